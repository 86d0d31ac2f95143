Feature: Sell Cargo at Market
  As a trader
  I want to sell cargo at markets
  So that I can realize profits from purchases

  Scenario: Successfully sell cargo at market
    Given a player with agent "TEST"
    And a ship "TEST-1" docked at a market that takes 50 units of "IRON_ORE"
    And the ship has 50 units of "IRON_ORE" in cargo
    When I sell 50 units of "IRON_ORE" from ship "TEST-1"
    Then the ship cargo contains 0 units of "IRON_ORE"
    And the player credits increased by the sale amount

  Scenario: Cannot sell cargo not in inventory
    Given a player with agent "TEST"
    And a ship "TEST-1" docked at a market that takes 50 units of "IRON_ORE"
    And the ship has 0 units of "IRON_ORE" in cargo
    When I attempt to sell 50 units of "IRON_ORE" from ship "TEST-1"
    Then the command should fail with "insufficient inventory"
    And nothing was sold

  Scenario: Cannot sell more cargo than is in inventory
    Given a player with agent "TEST"
    And a ship "TEST-1" docked at a market that takes 50 units of "IRON_ORE"
    And the ship has 20 units of "IRON_ORE" in cargo
    When I attempt to sell 50 units of "IRON_ORE" from ship "TEST-1"
    Then the command should fail with "insufficient inventory"
    And nothing was sold
