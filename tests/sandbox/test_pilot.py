"""A pilot who keeps a logbook by the published formulas finds the ship as the book says, whatever is ordered when."""

from datetime import datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from spacetraders_lab.core.ship import NavStatus
from spacetraders_lab.core.travel import FlightMode, distance, fuel_cost, travel_seconds
from spacetraders_lab.sandbox.hulls import HULLS
from tests.sandbox.player import Player

TANK, SPEED = 300, HULLS["SHIP_LIGHT_SHUTTLE"].speed


class Pilot(RuleBasedStateMachine):
    """One shuttle in the laboratory against an independent account of place, status, tank and flight mode."""

    @initialize(seed=st.integers(0, 20), speed=st.sampled_from([1, 8, 500]))
    def begin(self, seed: int, speed: int) -> None:
        fleet = ("SHIP_LIGHT_SHUTTLE",)
        self.player = Player(profile="lab", seed=seed, speed=speed, credits=10**9, ships=fleet)
        self.places = list(self.player.universe.home.waypoints.values())
        self.speed = speed
        self.here, self.status, self.mode, self.fuel = self.places[0], NavStatus.DOCKED, FlightMode.CRUISE, TANK
        self.arrival = self.player.clock.now()

    def order(self, method: str, action: str, body: object = None) -> int:
        """The game's code of a refusal, 0 when it was done."""
        reply = self.player.send(method, f"{self.player.ship_path}/{action}", json=body)
        return 0 if reply.is_success else int(reply.json()["error"]["code"])

    def flies(self) -> bool:
        if self.status is NavStatus.IN_TRANSIT and self.player.clock.now() >= self.arrival:
            self.status = NavStatus.IN_ORBIT
        return self.status is NavStatus.IN_TRANSIT

    @rule(status=st.sampled_from([NavStatus.DOCKED, NavStatus.IN_ORBIT]))
    def moor(self, status: NavStatus) -> None:
        code = self.order("POST", "dock" if status is NavStatus.DOCKED else "orbit")
        assert code == (4214 if self.flies() else 0)
        if not code:
            self.status = status

    @rule(number=st.integers(0, 7), leave=st.booleans())
    def navigate(self, number: int, leave: bool) -> None:
        if leave:
            self.moor(NavStatus.IN_ORBIT)
        goal = self.places[number]
        code = self.order("POST", "navigate", {"waypointSymbol": goal.symbol})
        length = distance(self.here.x, self.here.y, goal.x, goal.y)
        fuel = fuel_cost(length, self.mode)
        if self.flies():
            assert code == 4214
        elif goal is self.here:
            assert code == 4204
        elif self.status is NavStatus.DOCKED:
            assert code == 4236
        elif fuel > self.fuel:
            assert code == 4203
        else:
            assert code == 0
            self.fuel -= fuel
            self.here, self.status = goal, NavStatus.IN_TRANSIT
            milliseconds = travel_seconds(length, SPEED, self.mode) * 1000 / self.speed
            self.arrival = whole(self.player.clock.now()) + timedelta(milliseconds=int(milliseconds + 0.5))

    @rule(mode=st.sampled_from(FlightMode))
    def change_mode(self, mode: FlightMode) -> None:
        if not self.flies():
            assert self.order("PATCH", "nav", {"flightMode": mode}) == 0
            self.mode = mode

    @rule(wanted=st.sampled_from([None, 1, 100, 250]))
    def refuel(self, wanted: int | None) -> None:
        code = self.order("POST", "refuel", None if wanted is None else {"units": wanted})
        if self.flies():
            assert code == 4214
        elif self.status is not NavStatus.DOCKED:
            assert code == 4225
        else:
            assert code == 0
            self.fuel = min(TANK, self.fuel + (TANK if wanted is None else wanted))

    @rule(seconds=st.sampled_from([0.0004, 1, 30, 120, 3000]))
    def wait(self, seconds: float) -> None:
        self.player.clock.advance(seconds / self.speed)

    @invariant()
    def the_ship_is_as_the_logbook_says(self) -> None:
        self.flies()
        ship = self.player.get(self.player.ship_path)
        assert ship["nav"]["waypointSymbol"] == self.here.symbol
        assert ship["nav"]["status"] == self.status
        assert ship["nav"]["flightMode"] == self.mode
        assert ship["fuel"]["current"] == self.fuel
        if self.status is NavStatus.IN_TRANSIT:
            assert datetime.fromisoformat(ship["nav"]["route"]["arrival"]) == self.arrival


def whole(moment: datetime) -> datetime:
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


Pilot.TestCase.settings = settings(max_examples=60, stateful_step_count=25)
TestPilot = Pilot.TestCase
