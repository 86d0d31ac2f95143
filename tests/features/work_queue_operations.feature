Feature: Work Queue Operations

  Scenario: Enqueue market pairs
    Given an experiment run with run_id "test-123"
    And 100 market pairs
    When I enqueue all pairs
    Then all 100 pairs should be PENDING

  Scenario: Atomically claim next pair
    Given a work queue with 10 PENDING pairs
    When ship "HAULER-1" claims next pair
    Then the pair status should be CLAIMED
    And the pair claimed_by should be "HAULER-1"
    And 9 pairs should remain PENDING

  Scenario: No double-assignment of pairs
    Given a work queue with 1 PENDING pair
    When ship "HAULER-1" and ship "HAULER-2" claim simultaneously
    Then only one ship should successfully claim the pair
    And the other ship should receive None
