"""The table of operations: method, path, who may call it, what it answers with. The busiest stand first."""

from spacetraders_lab.sandbox import handlers_fleet as fleet
from spacetraders_lab.sandbox import handlers_world as world
from spacetraders_lab.sandbox.calls import Access, Endpoint
from spacetraders_lab.sandbox.handlers_absent import contract_refusal, ship_refusal, supply_construction

_WAYPOINT = "/systems/{system}/waypoints/{waypoint}"
_SHIP = "/my/ships/{ship}"
_CONTRACT = "/my/contracts/{contract}"

PLAYED = (
    Endpoint("GET", f"{_WAYPOINT}/market", world.get_market, Access.OPEN),
    Endpoint("POST", f"{_SHIP}/purchase", fleet.purchase, status=201),
    Endpoint("POST", f"{_SHIP}/sell", fleet.sell, status=201),
    Endpoint("POST", f"{_SHIP}/navigate", fleet.navigate),
    Endpoint("POST", f"{_SHIP}/dock", fleet.dock),
    Endpoint("POST", f"{_SHIP}/orbit", fleet.orbit),
    Endpoint("POST", f"{_SHIP}/refuel", fleet.refuel),
    Endpoint("GET", _SHIP, fleet.get_ship),
    Endpoint("GET", "/my/ships", fleet.list_ships),
    Endpoint("POST", "/my/ships", fleet.buy_ship, status=201),
    Endpoint("GET", f"{_SHIP}/nav", fleet.get_nav),
    Endpoint("PATCH", f"{_SHIP}/nav", fleet.patch_nav),
    Endpoint("GET", f"{_SHIP}/cargo", fleet.get_cargo),
    Endpoint("GET", f"{_SHIP}/cooldown", fleet.get_cooldown),
    Endpoint("GET", f"{_SHIP}/mounts", fleet.get_mounts),
    Endpoint("GET", f"{_SHIP}/modules", fleet.get_modules),
    Endpoint("POST", f"{_SHIP}/jettison", fleet.jettison),
    Endpoint("POST", f"{_SHIP}/transfer", fleet.transfer),
    Endpoint("POST", f"{_SHIP}/jump", fleet.jump),
    Endpoint("GET", "/my/account", world.my_account),
    Endpoint("GET", "/my/agent", world.my_agent),
    Endpoint("GET", "/my/agent/events", world.my_events),
    Endpoint("GET", "/my/contracts", world.list_contracts),
    Endpoint("GET", _CONTRACT, world.get_contract),
    Endpoint("GET", "/my/factions", world.my_factions),
    Endpoint("GET", "/systems", world.list_systems, Access.OPEN),
    Endpoint("GET", "/systems/{system}", world.get_system, Access.OPEN),
    Endpoint("GET", "/systems/{system}/waypoints", world.list_waypoints, Access.OPEN),
    Endpoint("GET", _WAYPOINT, world.get_waypoint, Access.OPEN),
    Endpoint("GET", f"{_WAYPOINT}/shipyard", world.get_shipyard, Access.OPEN),
    Endpoint("GET", f"{_WAYPOINT}/jump-gate", world.get_jump_gate, Access.OPEN),
    Endpoint("GET", f"{_WAYPOINT}/construction", world.get_construction, Access.OPEN),
    Endpoint("GET", "/market/supply-chain", world.supply_chain, Access.OPEN),
    Endpoint("GET", "/agents", world.list_agents, Access.OPEN),
    Endpoint("GET", "/agents/{agent}", world.get_agent, Access.OPEN),
    Endpoint("GET", "/factions", world.list_factions, Access.OPEN),
    Endpoint("GET", "/factions/{faction}", world.get_faction, Access.OPEN),
    Endpoint("GET", "/error-codes", world.error_codes, Access.OPEN, enveloped=False),
    Endpoint("POST", "/register", world.register, Access.ACCOUNT, status=201),
    Endpoint("GET", "/", world.get_status, Access.OPEN, enveloped=False),
    Endpoint("GET", "", world.get_status, Access.OPEN, enveloped=False),
)

NOT_PLAYED = (
    Endpoint("POST", f"{_SHIP}/extract", ship_refusal(4243, "Mining")),
    Endpoint("POST", f"{_SHIP}/extract/survey", ship_refusal(4243, "Mining")),
    Endpoint("POST", f"{_SHIP}/siphon", ship_refusal(4258, "Siphoning")),
    Endpoint("POST", f"{_SHIP}/survey", ship_refusal(4240, "Surveying")),
    Endpoint("POST", f"{_SHIP}/refine", ship_refusal(4239, "Refining")),
    Endpoint("POST", f"{_SHIP}/warp", ship_refusal(4241, "Warping")),
    Endpoint("POST", f"{_SHIP}/chart", ship_refusal(4230, "Charting")),
    Endpoint("POST", f"{_SHIP}/scan/systems", ship_refusal(4215, "Scanning")),
    Endpoint("POST", f"{_SHIP}/scan/waypoints", ship_refusal(4215, "Scanning")),
    Endpoint("POST", f"{_SHIP}/scan/ships", ship_refusal(4215, "Scanning")),
    Endpoint("POST", f"{_SHIP}/negotiate/contract", ship_refusal(4511, "Negotiating")),
    Endpoint("POST", f"{_SHIP}/mounts/install", ship_refusal(4246, "Changing mounts")),
    Endpoint("POST", f"{_SHIP}/mounts/remove", ship_refusal(4246, "Changing mounts")),
    Endpoint("POST", f"{_SHIP}/modules/install", ship_refusal(4266, "Changing modules")),
    Endpoint("POST", f"{_SHIP}/modules/remove", ship_refusal(4266, "Changing modules")),
    Endpoint("GET", f"{_SHIP}/scrap", ship_refusal(4263, "Scrapping")),
    Endpoint("POST", f"{_SHIP}/scrap", ship_refusal(4263, "Scrapping")),
    Endpoint("GET", f"{_SHIP}/repair", ship_refusal(4264, "Repairing")),
    Endpoint("POST", f"{_SHIP}/repair", ship_refusal(4264, "Repairing")),
    Endpoint("POST", f"{_CONTRACT}/accept", contract_refusal(4500, "Accepting contracts")),
    Endpoint("POST", f"{_CONTRACT}/deliver", contract_refusal(4505, "Delivering")),
    Endpoint("POST", f"{_CONTRACT}/fulfill", contract_refusal(4505, "Fulfilling contracts")),
    Endpoint("POST", f"{_WAYPOINT}/construction/supply", supply_construction),
)
"""Known operations that answer with a refusal."""

ENDPOINTS = PLAYED + NOT_PLAYED
