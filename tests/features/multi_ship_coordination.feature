Feature: Multi-Ship Coordination

  Scenario: Multiple ships process queue in parallel
    Given an experiment run "test-123"
    And a work queue with 30 pairs
    And 3 worker ships
    When all workers start simultaneously
    Then each ship should claim different pairs
    And all 30 pairs should eventually be COMPLETED
    And no pair should be claimed by multiple ships
