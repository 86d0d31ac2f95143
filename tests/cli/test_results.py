"""`experiment analyze`, `quote`, `advise`: a user asks what was found, and gets grounds or a remedy, never a guess."""

import json
import math
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from spacetraders_lab.analysis import evidence
from spacetraders_lab.analysis.advice import Forecast
from spacetraders_lab.analysis.resilience import Resilience
from spacetraders_lab.cli import advice, known, render
from spacetraders_lab.core.market import Listing
from spacetraders_lab.store.database import open_database
from spacetraders_lab.store.schema import universes
from spacetraders_lab.store.world import World
from spacetraders_lab.study.rig import BASE_URL
from tests.cli.recorded import Recorded
from tests.factories import NOON, make_good, make_snapshot
from tests.store.memory import enter_run
from tests.terminal import Answer, Terminal

_SPLIT = "advise split {} --at {} --side buy --units 40 --visits 2 --every 60"
CHROMIUM = Path("/usr/bin/chromium")


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    return Recorded(tmp_path_factory.mktemp("recorded"))


@pytest.fixture(scope="module")
def reported(recorded: Recorded, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Answer]:
    """The page of that run, and what the command said when it was written."""
    file = tmp_path_factory.mktemp("reported") / "page.html"
    return file, recorded.terminal.type(f"experiment report --run-id {recorded.run_id} --out {file}")


@pytest.fixture
def beginner(tmp_path: Path) -> Terminal:
    """Somebody who has scouted nothing."""
    return Terminal(tmp_path, BASE_URL=BASE_URL)


class TestAnalyze:
    def test_tables_fit_a_terminal(self, recorded: Recorded) -> None:
        answer = recorded.terminal.type(f"experiment analyze --run-id {recorded.run_id}")
        assert (answer.code, answer.err) == (0, "")
        assert max(len(line.rstrip()) for line in answer.out.splitlines()) <= 100
        assert answer.out.startswith(f"{recorded.transactions} of {recorded.transactions} trades were made at exactly")
        for title in ("Recorded transactions", "Impact by cell", "Listings", "Profitable pairs", "Ships"):
            assert f"\n{title}\n" in answer.out

    def test_json_has_every_row(self, recorded: Recorded) -> None:
        found = recorded.terminal.type(f"experiment analyze --run-id {recorded.run_id} --json").json
        assert found["checks"] == {"rows": recorded.transactions, "posted": recorded.transactions, "swapped": 0}
        assert sum(row["transactions"] for row in found["exclusions"]) == recorded.transactions
        assert sum(row["transactions"] for row in found["ships"]) == recorded.transactions
        assert sum(row["transactions"] for row in found["pairs"]) == recorded.transactions
        assert any(row["percent_measured"] for row in found["cells"])

    def test_json_says_null_where_the_data_give_no_number(self, capsys: pytest.CaptureFixture[str]) -> None:
        render.print_json({"low": math.nan, "rows": [{"high": math.inf, "at": NOON}]})
        found = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
        assert found == {"low": None, "rows": [{"high": None, "at": str(NOON)}]}

    def test_a_run_without_trades_says_so(self, recorded: Recorded) -> None:
        database = open_database(path=recorded.terminal.database)
        enter_run(database, run_id="idle")
        database.close()
        answer = recorded.terminal.type("experiment analyze --run-id idle")
        assert answer.code == 2
        assert "nothing has been traded yet" in answer.complaint

    def test_an_unknown_run_is_refused(self, recorded: Recorded) -> None:
        answer = recorded.terminal.type("experiment analyze --run-id nonsense")
        assert (answer.code, answer.out) == (2, "")
        assert "there is no experiment nonsense" in answer.complaint


class TestQuote:
    def test_it_prices_each_transaction_and_says_on_what_grounds(self, recorded: Recorded) -> None:
        good, market, _ = recorded.lane
        answer = recorded.terminal.type(f"quote {good.lower()} --at {market.lower()} --side buy --units 45")
        assert answer.code == 0
        assert f"{good} at {market}: quote read" in answer.out
        assert "trades" in answer.out and "Compared with the first quote for every unit: +" in answer.out
        assert max(map(len, answer.out.splitlines())) <= 100

    def test_it_begins_at_the_newest_quote_and_only_gets_dearer(
        self, recorded: Recorded, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        good, market, _ = recorded.lane
        database = open_database(path=recorded.terminal.database)
        with database.reading() as connection:
            universe = World(connection).last_universe(BASE_URL, recorded.system)
            assert universe is not None
            (seen,) = World(connection).history(universe, market, good, most=1)
        database.close()
        monkeypatch.setattr(known.SystemClock, "now", lambda _: seen.observed_at)
        command = f"quote {good} --at {market} --side buy --units 45 --json"
        found = recorded.terminal.type(command).json
        assert recorded.terminal.type(command.replace("buy", "BUY")).json == found
        assert found["grounds"]["quote"] == seen.good.purchase_price
        prices = [part["price"]["value"] for part in found["parts"]]
        assert prices == sorted(prices)
        assert sum(part["units"] for part in found["parts"]) == found["units"] == 45
        assert all(part["units"] <= seen.good.trade_volume for part in found["parts"])
        assert found["total"]["low"] <= found["total"]["value"] <= found["total"]["high"]

    def test_a_universe_that_is_over_is_said_to_be(self, recorded: Recorded) -> None:
        good, market, target = recorded.lane
        commands = (
            f"quote {good} --at {market} --side buy --units 9",
            f"advise lane {good} --from {market} --to {target} --hold 40",
        )
        assert not any("is over" in recorded.terminal.type(command).out for command in commands)
        assert recorded.terminal.type(f"{commands[0]} --json").json["universe_over"] is False
        database = open_database(path=recorded.terminal.database)
        with database.transaction() as connection:
            newer = World(connection).universe_id(BASE_URL, "2099-01-01")
        for command in commands:
            out = recorded.terminal.type(command).out
            assert "which is over: that of 2099-01-01 has begun since." in out.splitlines()[-1]
            assert max(map(len, out.splitlines())) <= 100
            assert recorded.terminal.type(f"{command} --json").json["universe_over"] is True
        with database.transaction() as connection:  # for the tests after this one
            connection.execute(universes.delete().where(universes.c.universe_id == newer))
        database.close()

    @pytest.mark.parametrize(("hours", "warned"), [(2, True), (48, False)])
    @pytest.mark.parametrize("is_known", [True, False])
    @pytest.mark.parametrize("command", ["quote {} --at {} --side buy --units 9", _SPLIT])
    def test_a_quote_goes_back_from_where_own_trades_had_moved_it(
        self,
        recorded: Recorded,
        monkeypatch: pytest.MonkeyPatch,
        hours: int,
        warned: bool,
        is_known: bool,
        command: str,
    ) -> None:
        good, market, _ = recorded.lane
        is_split = command is _SPLIT
        pace = (
            (lambda *_, **__: Resilience.steadily(np.full(400, 0.5))) if is_known or is_split else lambda *_, **__: None
        )
        monkeypatch.setattr(evidence, "resilience_of", pace if is_known else lambda *_, **__: None)
        monkeypatch.setattr(known, "resilience_of", pace)
        monkeypatch.setattr(known.SystemClock, "now", lambda _: recorded.ended() + timedelta(hours=hours))
        answer = recorded.terminal.type(command.format(good, market))
        assert ("its quotes may still be recovering" in answer.out) is warned
        assert "tradeVolumes of that are assumed to have recovered." in answer.out
        assert ("anything from none to all of it" in answer.out) is not is_known
        assert "The quote is old (the ranges allow for it);" in answer.out
        assert max(map(len, answer.out.splitlines())) <= 100

    def test_the_same_question_has_the_same_answer(self, recorded: Recorded) -> None:
        good, _, market = recorded.lane
        one, other = (
            recorded.terminal.type(f"quote {good} --at {market} --side sell --units 20 --json").json for _ in range(2)
        )
        assert one["premium_percent"] == pytest.approx(other["premium_percent"])

    def test_a_listing_never_seen_is_not_guessed(self, recorded: Recorded) -> None:
        answer = recorded.terminal.type(f"quote GOLD --at {recorded.system}-XX9 --side buy --units 5")
        assert (answer.code, answer.out) == (2, "")
        assert f"spacetraders market get {recorded.system}-XX9" in answer.complaint

    def test_a_game_never_seen_is_not_guessed(self, beginner: Terminal) -> None:
        answer = beginner.type("quote GOLD --at X1-GZ7-A1 --side buy --units 5")
        assert (answer.code, answer.out) == (2, "")
        assert "spacetraders market scout" in answer.complaint

    def test_a_universe_in_which_nothing_was_traded_is_not_guessed(self, beginner: Terminal) -> None:
        database = open_database(path=beginner.database)
        with database.transaction() as connection:
            universe = World(connection).universe_id(f"{BASE_URL}#sandbox", "2026-03-01")
            World(connection).save_snapshot(universe, make_snapshot("X1-GZ7-A1", [make_good("GOLD")]), "scout")
        enter_run(database, universe_id=universe)
        database.close()
        answer = beginner.type("quote GOLD --at X1-GZ7-A1 --side buy --units 5")
        assert answer.code == 2
        assert "spacetraders experiment liquidity" in answer.complaint

    @pytest.mark.parametrize("options", ["--side hold --units 5", "--side buy --units 0", "--side buy"])
    def test_nonsense_is_refused(self, recorded: Recorded, options: str) -> None:
        good, market, _ = recorded.lane
        answer = recorded.terminal.type(f"quote {good} --at {market} {options}")
        assert (answer.code, answer.out) == (2, "")
        assert answer.complaint


class TestAdvise:
    def test_a_lane(self, recorded: Recorded) -> None:
        good, source, target = recorded.lane
        answer = recorded.terminal.type(f"advise lane {good} --from {source} --to {target} --hold 40")
        assert answer.code == 0
        for row in ("units a visit", "credits a trip", "credits an hour", "credits a request"):
            assert f"\n{row}" in answer.out
        assert "The round trip takes" in answer.out
        assert max(map(len, answer.out.splitlines())) <= 100

    def test_a_lane_in_json_adds_up(self, recorded: Recorded) -> None:
        good, source, target = recorded.lane
        found = recorded.terminal.type(f"advise lane {good} --from {source} --to {target} --hold 40 --json").json
        once = found["once"]
        assert 1 <= once["units"] <= 40
        assert once["profit_an_hour"]["value"] == pytest.approx(once["profit"]["value"] * 60 / once["minutes"])
        assert once["profit_a_request"]["value"] == pytest.approx(once["profit"]["value"] / once["requests"])
        assert once["minutes"] == found["trip"]["minutes"] > 0

    @pytest.mark.parametrize(("hours", "warned"), [(2, True), (48, False)])
    def test_a_cadence_warns_of_markets_that_own_trades_may_still_move(
        self, recorded: Recorded, monkeypatch: pytest.MonkeyPatch, hours: int, warned: bool
    ) -> None:
        good, source, target = recorded.lane
        monkeypatch.setattr(known, "resilience_of", lambda *_, **__: Resilience.steadily(np.full(400, 0.5)))
        monkeypatch.setattr(known.SystemClock, "now", lambda _: recorded.ended() + timedelta(hours=hours))
        answer = recorded.terminal.type(f"advise lane {good} --from {source} --to {target} --hold 40")
        assert "kept up for a week" in answer.out
        assert answer.out.count("\n  Recovery by ") == 2
        assert ("its quotes may still be recovering" in answer.out) is warned
        assert max(map(len, answer.out.splitlines())) <= 100

    def test_fuel_whose_price_was_never_seen_is_not_said_to_be_free(
        self, recorded: Recorded, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        good, source, target = recorded.lane
        history = World.history

        def seen(world: World, universe: int, place: str, what: str, *, most: int) -> list[Listing]:
            return [] if what == "FUEL" else history(world, universe, place, what, most=most)

        lane = f"advise lane {good} --from {source} --to {target} --hold 40"
        priced = recorded.terminal.type(f"{lane} --json").json["trip"]
        assert priced["fuel"] > 0
        monkeypatch.setattr(World, "history", seen)
        assert recorded.terminal.type(f"{lane} --json").json["trip"]["fuel"] is None
        answer = recorded.terminal.type(lane)
        assert "minutes of flight; fuel is not counted: its price is not known." in answer.out
        assert "credits of fuel" not in answer.out

    def test_the_way_back_of_a_lane_loses(self, recorded: Recorded) -> None:
        """Buying where it is used and selling where it is made pays the 2:1 spread."""
        good, source, target = recorded.lane
        answer = recorded.terminal.type(f"advise lane {good} --from {target} --to {source} --hold 40")
        assert answer.code == 0
        assert answer.out.startswith("This lane loses credits from its first unit on.")

    def test_lanes_of_which_no_recovery_was_measured_are_not_ranked(self, recorded: Recorded) -> None:
        answer = recorded.terminal.type(f"advise lanes --system {recorded.system} --hold 40")
        assert (answer.code, answer.out) == (2, "")
        assert "nothing can be said of any of the 360 lanes" in answer.complaint

    @pytest.mark.parametrize(("target", "said"), [("-XX9", "was never seen at"), ("X1-NO7-A1", "several systems")])
    def test_a_place_that_is_not_known(self, recorded: Recorded, target: str, said: str) -> None:
        good, source, _ = recorded.lane
        market = recorded.system + target if target.startswith("-") else target
        answer = recorded.terminal.type(f"advise lane {good} --from {source} --to {market} --hold 40")
        assert answer.code == 2
        assert said in answer.complaint

    @pytest.mark.parametrize(
        ("low", "shown"),
        [(1_231_000, "1,234,000 (1,231,000 to 1,234,900)"), (1_134_000, "1.23M (1.13M to 1.23M)")],
    )
    def test_a_range_of_millions_is_not_rounded_away(
        self, recorded: Recorded, monkeypatch: pytest.MonkeyPatch, low: float, shown: str
    ) -> None:
        good, market, _ = recorded.lane
        monkeypatch.setattr(known, "resilience_of", lambda *_, **__: Resilience.steadily(np.full(400, 0.5)))
        monkeypatch.setattr(advice.advice, "split_cost", lambda *_: Forecast(1_234_000, low, 1_234_900))
        assert recorded.terminal.type(_SPLIT.format(good, market)).out.count(shown) == 3

    @pytest.mark.parametrize("options", ["--units 0 --visits 2 --every 60", "--units 9 --visits 2 --every 0"])
    def test_a_senseless_split_is_refused(self, recorded: Recorded, options: str) -> None:
        good, market, _ = recorded.lane
        answer = recorded.terminal.type(f"advise split {good} --at {market} --side buy {options}")
        assert (answer.code, answer.out) == (2, "")


class TestReport:
    def test_one_page_with_everything_in_it(self, recorded: Recorded, reported: tuple[Path, Answer]) -> None:
        file, answer = reported
        assert (answer.code, answer.err) == (0, "")
        assert answer.out.startswith(f"{file} (")
        page = file.read_text()
        assert len(page.encode()) < 3_000_000
        for words in (
            f"Liquidity of {recorded.system}",
            recorded.run_id,
            "COMPLETED",
            "plan hash",
            "sandbox",
            "still to come",
        ):
            assert words in page

    def test_its_words_and_tables_are_beside_it_as_markdown(
        self, recorded: Recorded, reported: tuple[Path, Answer]
    ) -> None:
        file, answer = reported
        copy = file.with_suffix(".md")
        assert f"{copy}: " in answer.out
        assert f"# Liquidity of {recorded.system}" in copy.read_text()

    def test_a_page_that_the_markdown_would_overwrite_is_refused(self, recorded: Recorded, tmp_path: Path) -> None:
        file = tmp_path / "page.md"
        answer = recorded.terminal.type(f"experiment report --run-id {recorded.run_id} --out {file}")
        assert (answer.code, answer.out) == (2, "") and "name an HTML file" in answer.complaint
        assert not file.exists()

    def test_every_figure_is_drawn_in_a_browser_and_nothing_is_fetched(self, reported: tuple[Path, Answer]) -> None:
        playwright = pytest.importorskip("playwright.sync_api")
        if not CHROMIUM.exists():
            pytest.skip(f"{CHROMIUM} is not installed")
        file, _ = reported
        with (
            playwright.sync_playwright() as player,
            player.chromium.launch(
                executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-quic"]
            ) as browser,
        ):
            page = browser.new_page(viewport={"width": 390, "height": 800})
            fetched, complaints = [], []
            page.on("request", lambda request: fetched.append(request.url))
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.goto(file.as_uri())
            page.wait_for_selector("html[data-drawn]", timeout=60_000)
            figures = page.locator("figure").count()
            assert page.locator("figure svg").count() == figures >= 10
            assert page.evaluate("document.documentElement.scrollWidth") == 390  # nothing sticks out on a phone
        assert (fetched, complaints) == ([file.as_uri()], [])

    def test_a_place_that_cannot_be_written(self, recorded: Recorded) -> None:
        answer = recorded.terminal.type(f"experiment report --run-id {recorded.run_id} --out no/such/page.html")
        assert answer.code == 2
        assert "cannot write no/such/page.html" in answer.complaint

    @pytest.mark.parametrize("folder", [".", "..", "''"])
    def test_a_folder_is_no_page(self, tmp_path: Path, folder: str) -> None:
        answer = Terminal(tmp_path).type(f"experiment report --run-id run-1 --out {folder}")
        assert answer.code == 2
        assert "is a folder; name a file: --out report.html" in answer.complaint
