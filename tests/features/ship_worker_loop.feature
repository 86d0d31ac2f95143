Feature: Ship Worker Loop

  Scenario: Worker processes pairs until queue empty
    Given an experiment run "test-123"
    And a work queue with 3 PENDING pairs
    And a worker ship "HAULER-1"
    When the worker starts
    Then it should claim and complete all 3 pairs
    And it should stop when queue is empty

  Scenario: Worker continues after pair failure
    Given an experiment run "test-123"
    And a work queue with 5 pairs
    And pair 3 will cause an error
    And a worker ship "HAULER-1"
    When the worker processes pairs
    Then pairs 1, 2, 4, 5 should be COMPLETED
    And pair 3 should be FAILED with error message
