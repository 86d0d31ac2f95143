Feature: Market Selection for Experiments

  Scenario: Select representative markets for a good
    Given a system "X1-GZ7" with 20 markets
    And 8 markets sell "IRON_ORE" with various supply and activity levels
    When I select representative markets for "IRON_ORE"
    Then I should get 4-8 markets
    And the markets should have diverse supply levels
    And the markets should have diverse activity levels

  Scenario: Diversity goes before trade volume
    Given a system "X1-GZ7" with 20 markets
    And 20 markets sell "IRON_ORE", the largest of them all alike
    When I select representative markets for "IRON_ORE"
    Then I should get 4-8 markets
    And every supply level on offer should be among them
    And every activity level on offer should be among them

  Scenario: Generate market pairs
    Given 5 representative markets
    When I generate market pairs
    Then I should get 20 pairs (5 × 4)
    And each pair should have different buy and sell markets
