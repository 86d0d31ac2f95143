"""`spacetraders market`: what is quoted now, and what was quoted when a ship was last there."""

import json
import shutil
from pathlib import Path

import pytest

from spacetraders_lab.cli import market, seen
from spacetraders_lab.core.market import Activity, Listing, ListingType, Supply, TradeGood
from spacetraders_lab.sandbox.server import running_sandbox
from spacetraders_lab.sandbox.settings import SandboxSettings
from tests.cli.conftest import Player
from tests.factories import NOON
from tests.terminal import Terminal

_FIELDS = {"good", "type", "supply", "activity", "trade_volume", "purchase_price", "sell_price"}


def test_scouting_says_how_many_markets_it_read(player: Player) -> None:
    answer = player.type(f"market scout --system {player.system} --ships {','.join(player.ships)}")
    assert (answer.code, answer.out) == (0, f"Scouted 8 markets of {player.system}.\n")
    assert player.ledger("PURCHASE", "SELL") == []


def test_a_probe_can_scout(player: Player) -> None:
    answer = player.type(f"market scout --system {player.system.lower()} --ships {player.probe}")
    assert answer.code == 0
    assert len(player.ledger("NAVIGATE")) >= 7
    assert {entry.ship_symbol for entry in player.ledger("NAVIGATE")} == {player.probe}


def test_a_market_with_a_ship_there_shows_its_prices(player: Player) -> None:
    here = player.ship().waypoint
    answer = player.type(f"market get {here}")
    assert answer.code == 0
    heading, *rows = answer.out.splitlines()
    assert heading.split() == ["good", "type", "supply", "activity", "volume", "ask", "bid"]
    assert [row.split()[0] for row in rows] == sorted(player.sandbox.universe.home.markets[here].listings)


def test_a_market_in_json(player: Player) -> None:
    here = player.ship().waypoint
    market = player.type(f"market get {here} --json").json
    assert market["waypoint"] == here
    traded = {*market["imports"], *market["exports"], *market["exchange"]}
    assert {row["good"] for row in market["goods"]} == traded
    assert all(set(row) == _FIELDS for row in market["goods"])


def test_a_market_without_a_ship_there_says_what_it_trades(player: Player) -> None:
    there = next(m for m in player.sandbox.universe.home.markets if m != player.ship().waypoint)
    answer = player.type(f"market get {there}")
    assert answer.code == 0
    assert answer.out.startswith(f"{there} trades ")
    assert "only to a ship there" in answer.out
    assert player.type(f"market get {there} --json").json["goods"] == []


def test_the_list_shows_every_listing_with_its_age(player: Player) -> None:
    player.scout()
    answer = player.type(f"market list --system {player.system}")
    assert answer.code == 0
    heading, *rows = answer.out.splitlines()
    assert heading.split()[:2] == ["waypoint", "good"]
    listings = [(m, good) for m, market in player.sandbox.universe.home.markets.items() for good in market.listings]
    assert sorted(tuple(row.split()[:2]) for row in rows) == sorted(listings)


def test_the_list_in_json(player: Player) -> None:
    player.scout()
    rows = player.type(f"market list --system {player.system} --json").json
    assert all(set(row) == _FIELDS | {"waypoint", "age_minutes"} for row in rows)
    assert all(0 <= row["age_minutes"] < 24 * 60 for row in rows)
    assert {row["activity"] for row in rows if row["type"] == "EXCHANGE"} == {None}


@pytest.mark.parametrize(("minutes", "shown"), [(1, "1m"), (99, "99m"), (4319, "72h"), (4320, "3d"), (99_999, "69d")])
def test_a_row_fits_the_terminal_however_old_its_price_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, minutes: int, shown: str
) -> None:
    quoted = TradeGood("PRECIOUS_STONES", ListingType.EXPORT, 180, Supply.ABUNDANT, Activity.RESTRICTED, 12_345, 12_000)
    monkeypatch.setattr(market, "seen_in", lambda system, question: [(Listing("X1-GZ7-A10", quoted, NOON), minutes)])
    monkeypatch.setenv("COLUMNS", "80")
    heading, row = Terminal(tmp_path).type("market list --system X1-GZ7").out.splitlines()
    assert (heading.split()[-1], row.split()[-1]) == ("age", shown)


def test_the_list_of_one_good(player: Player) -> None:
    player.scout()
    good = next(good for good in player.sandbox.universe.home.markets[player.ship().waypoint].listings)
    rows = player.type(f"market list --system {player.system} --good {good.lower()} --json").json
    assert {row["good"] for row in rows} == {good}


def test_a_good_that_nothing_there_trades_is_no_reason_to_scout(player: Player) -> None:
    here = player.ship().waypoint
    player.type(f"market get {here}")
    answer = player.type(f"market list --system {player.system} --good NOPE")
    traded = ", ".join(sorted(player.sandbox.universe.home.markets[here].listings))
    assert (answer.code, answer.complaint) == (
        2,
        f"spacetraders: no market of {player.system} that was seen trades NOPE; they trade {traded}",
    )
    assert player.type(f"market spreads --system {player.system}").out == (
        f"No good was seen at two markets of {player.system}, so there is no lane.\n"
    )


@pytest.mark.parametrize("verb", ["list", "spreads", "spreads --json"])
def test_nothing_known_names_the_command_that_scouts(player: Player, verb: str) -> None:
    answer = player.type(f"market {verb} --system {player.system}")
    assert (answer.code, answer.out) == (2, "")
    remedy = answer.complaint.partition("scout it first: spacetraders ")[2]
    assert remedy == f"market scout --system {player.system}"
    assert player.type(remedy).out == f"Scouted 8 markets of {player.system}.\n"
    assert {entry.ship_symbol for entry in player.ledger("NAVIGATE")} <= {*player.ships, player.probe}


def test_prices_that_were_read_by_hand_are_kept(player: Player) -> None:
    here = player.ship().waypoint
    player.type(f"market get {here}")
    rows = json.loads(player.type(f"market list --system {player.system} --json").out)
    assert {row["waypoint"] for row in rows} == {here}


def test_a_waypoint_without_a_market_is_the_games_no(player: Player) -> None:
    answer = player.type(f"market get {player.system}-ZZ99")
    assert answer.code == 1
    assert answer.complaint.startswith("spacetraders: the game said: ")


def test_spreads_name_the_best_lane_of_each_good(player: Player) -> None:
    player.scout()
    listed = player.type(f"market list --system {player.system} --json").json
    lanes = player.type(f"market spreads --system {player.system} --json").json
    assert {lane["good"] for lane in lanes} == {row["good"] for row in listed} - {"FUEL"}
    for lane in lanes:
        here = [row for row in listed if row["good"] == lane["good"]]
        asks = {row["waypoint"]: row["purchase_price"] for row in here}
        bids = {row["waypoint"]: row["sell_price"] for row in here}
        assert (asks[lane["buy_at"]], bids[lane["sell_at"]]) == (lane["purchase_price"], lane["sell_price"])
        assert lane["spread"] == lane["sell_price"] - lane["purchase_price"]
    assert [lane["spread"] * lane["units_a_visit"] for lane in lanes] == sorted(
        (lane["spread"] * lane["units_a_visit"] for lane in lanes), reverse=True
    )
    table = player.type(f"market spreads --system {player.system}").out
    assert max(map(len, table.splitlines())) <= 100
    assert "natural" in table.splitlines()[0]


def test_the_history_of_a_listing_ends_with_the_newest(player: Player) -> None:
    here = player.ship().waypoint
    for _ in range(3):
        player.type(f"market get {here}")
    rows = player.type(f"market history {here} FUEL --json").json
    assert len(rows) == 3
    assert [row["observed_at"] for row in rows] == sorted(row["observed_at"] for row in rows)
    assert player.type(f"market history {here} fuel --most 2 --json").json == rows[1:]
    assert len(player.type(f"market history {here} FUEL").out.splitlines()) == 4


def test_a_listing_that_was_never_seen_names_the_command_that_reads_it(player: Player) -> None:
    answer = player.type(f"market history {player.ship().waypoint} FUEL")
    assert answer.code == 2
    assert "spacetraders market get" in answer.complaint


def test_what_was_seen_is_told_without_the_token(player: Player) -> None:
    here = player.ship().waypoint
    player.type(f"market get {here}")
    player.terminal.token_file.unlink()
    rows = player.type(f"market list --system {player.system} --json").json
    assert {row["waypoint"] for row in rows} == {here}
    assert len(player.type(f"market history {here} FUEL --json").json) == 1


def test_what_was_seen_is_told_when_the_game_is_away(
    tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seen, "PATIENCE_SECONDS", 0.2)
    terminal = Terminal(tmp_path)
    terminal.database.parent.mkdir(parents=True)
    shutil.copy(sqlite_template, terminal.database)
    with running_sandbox(SandboxSettings(profile="lab", open_registration=True)) as sandbox:
        terminal.set(BASE_URL=sandbox.base_url)
        assert terminal.type("player register GONE").code == 0
        home, universe = sandbox.universe.home.symbol, sandbox.universe
        here = universe.ships["GONE-1"].waypoint
        terminal.type(f"market get {here}")
        there = terminal.type(f"market list --system {home}")
    gone = terminal.type(f"market list --system {home}")
    assert [row.split()[:7] for row in gone.out.splitlines()] == [row.split()[:7] for row in there.out.splitlines()]
    assert gone.complaint == (
        f"{sandbox.base_url} does not answer; last seen, in the universe of {universe.reset_date}:"
    )
    assert len(terminal.type(f"market history {here} FUEL --json").json) == 1
    nowhere = terminal.type("market list --system X1-NO7")
    assert (nowhere.code, "does not answer, and no price of X1-NO7" in nowhere.complaint) == (1, True)
