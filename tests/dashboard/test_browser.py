"""The page in a real browser: it follows a run, filters, fits, keeps still, and takes no text for a script."""

import os
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright
from sqlalchemy import insert, update

from spacetraders_lab.cli.dashboard import change_runs
from spacetraders_lab.core.experiment import MarketPair
from spacetraders_lab.store.database import open_database
from spacetraders_lab.store.experiments import ExperimentRepository
from spacetraders_lab.store.schema import container_logs, containers
from spacetraders_lab.store.world import World
from spacetraders_lab.study.rig import FOUR_CELLS, Rig
from tests.dashboard.conftest import Page as Served
from tests.dashboard.conftest import served
from tests.dashboard.test_logs import add_containers, write
from tests.factories import NOON, make_good, make_record, make_snapshot
from tests.store.memory import Queue, apart, attend, enter_run

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
REQUIRED = "SPACETRADERS_TESTS_NEED_A_BROWSER"
ARGUMENTS = [
    "--no-sandbox",  # root may not start Chromium with it
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
WIDE, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
HOSTILE = '<script>window.hacked = 1</script><img src=x onerror="window.hacked = 1">'

Open = Callable[..., Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium without a window; where there is none the tests are skipped, unless the environment forbids that."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        missing = f"no Chromium is found ({', '.join(NAMES)})"
        pytest.fail(missing) if os.environ.get(REQUIRED) else pytest.skip(missing)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Open]:
    """Opens an address in a window of its own; nothing may go wrong in it, or be asked of another server."""
    pages, wrong = [], []

    def hear(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and "net::ERR" not in message.text:  # servers end before windows do
            wrong.append(message.text)

    def open_(url: str, scheme: str = "dark", size: dict[str, int] = WIDE) -> Page:
        page = browser.new_page(color_scheme=scheme, viewport=size)  # type: ignore[arg-type]
        page.set_default_timeout(10_000)
        page.on("console", hear)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        origin = "/".join(url.split("/")[:3])
        page.on("request", lambda r: None if r.url.startswith((origin, "data:")) else wrong.append(r.url))
        page.goto(url)
        pages.append(page)
        return page

    yield open_
    for page in pages:
        page.close()
    assert wrong == []


@pytest.fixture
def make_rig(page: Served) -> Iterator[Callable[..., Rig]]:
    """Makes laboratories over the page's database, on a thread of their own: the browser's loop runs in this one."""
    with ThreadPoolExecutor(1) as elsewhere:

        def make(**settings: Any) -> Rig:
            rig = elsewhere.submit(Rig, page.database, **settings).result()
            fly = rig.fly
            rig.fly = lambda *arguments: elsewhere.submit(fly, *arguments).result()  # type: ignore[method-assign]
            return rig

        yield make


def figure(page: Page, name: str) -> str:
    """What stands in the strip of figures under that name."""
    return (
        page.locator(".figures > div").filter(has=page.get_by_text(name, exact=True)).locator("dd").first.inner_text()
    )


def test_a_run_is_followed_from_nothing_to_its_end(page: Served, open_page: Open, make_rig: Callable[..., Rig]) -> None:
    rig = make_rig()
    shown = open_page(page.url)
    expect(shown.get_by_text("No runs yet")).to_be_visible()
    expect(shown.get_by_text("spacetraders experiment liquidity")).to_be_visible()
    run = rig.queue(rig.pairs(3), FOUR_CELLS)
    attend(page.database, run)
    shown.get_by_role("link", name="run-1").click()
    expect(shown.locator("h1")).to_contain_text("run-1")
    assert (figure(shown, "Trades"), figure(shown, "Progress")[0]) == ("0", "0")
    expect(shown.get_by_text("No trade yet")).to_be_visible()
    boxes = places(shown)
    rig.fly(run)
    trades = len(rig.records(run))
    expect(shown.locator(".figures")).to_contain_text(f"{trades:,}")
    expect(shown.locator(".figures")).to_contain_text("3 of 3 pairs")
    assert figure(shown, "Progress").startswith("100")
    expect(shown.locator(".pill").first).to_have_text("completed")
    assert shown.locator(".strip .done").count() == 3
    assert shown.locator(".impact td.heat").count() > 1
    assert shown.locator(".ladder .near").count() == 2
    assert places(shown)[:4] == boxes[:4]  # nothing above the last tables has moved


def places(page: Page) -> list[tuple[float, float, float]]:
    """Where each panel stands, and how wide it is."""
    boxes = [panel.bounding_box() for panel in page.locator(".panel").all()]
    return [(box["x"], box["y"], box["width"]) for box in boxes if box]


def test_hostile_texts_are_shown_as_texts(page: Served, open_page: Open) -> None:
    pair = MarketPair.of(HOSTILE, "X1-GZ7-A1", "X1-GZ7-B2")
    enter_run(page.database, [pair], run_id=HOSTILE, ships=(HOSTILE,))
    claim = Queue(page.database).must_claim(HOSTILE, run_id=HOSTILE)
    Queue(page.database).do("mark_failed", claim, HOSTILE, now=NOON)
    add_containers(page.database, "S-1")
    write(page.database, "S-1", [HOSTILE], HOSTILE)
    with page.database.transaction() as connection:
        connection.execute(update(containers).values(exit_reason=HOSTILE))
    shown = open_page(page.url)
    shown.get_by_role("link", name=HOSTILE[:8]).click()
    expect(shown.locator("h1")).to_contain_text(HOSTILE)
    expect(shown.locator(".queue")).to_contain_text(HOSTILE)
    expect(shown.locator(".failures")).to_contain_text(HOSTILE)
    expect(shown.locator(".lanes")).to_contain_text(HOSTILE)
    shown.get_by_role("link", name="Logs").click()
    expect(shown.locator(".line .text")).to_have_text(HOSTILE)
    shown.get_by_label("Contains").fill("<script>")
    expect(shown.locator(".line .level")).to_have_text(HOSTILE)
    assert shown.evaluate("window.hacked") is None
    assert shown.locator("main script, main img").count() == 0


def test_logs_are_filtered_and_followed(page: Served, open_page: Open) -> None:
    shown = open_page(f"{page.url}/logs")
    expect(shown.get_by_text("No log lines yet")).to_be_visible()
    add_containers(page.database, "S-1", "S-2")
    write(page.database, "S-1", [f"bought {n} IRON" for n in range(1, 41)])
    write(page.database, "S-2", ["the market did not answer"], "ERROR")
    lines = shown.locator(".line")
    expect(lines).to_have_count(41)
    shown.get_by_label("Level").select_option("ERROR")
    expect(lines).to_have_count(1)
    expect(lines).to_contain_text("the market did not answer")
    shown.get_by_label("Level").select_option("INFO")
    shown.get_by_label("Container").select_option("container-S-1")
    expect(lines).to_have_count(40)
    shown.get_by_label("Contains").fill("bought 4")
    expect(lines).to_have_count(2)
    write(page.database, "S-1", ["bought 44 IRON", "sold 4 IRON"])
    write(page.database, "S-2", ["bought 4 IRON"])
    expect(lines).to_have_count(3)
    expect(lines.last).to_contain_text("bought 44 IRON")
    shown.reload()
    expect(lines).to_have_count(3)  # the filters stand in the address


def test_markets_and_one_listing(page: Served, open_page: Open, make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(ships=1)
    shown = open_page(f"{page.url}/markets")
    expect(shown.get_by_text("No prices are known yet")).to_be_visible()
    pair = rig.pair("IRON")
    rig.fly(rig.queue([pair], FOUR_CELLS))
    rows = shown.locator("tbody tr")
    expect(rows.first).to_be_visible()
    shown.get_by_label("Find").fill("iron")
    expect(shown.get_by_role("link", name="IRON", exact=True)).to_have_count(2)
    shown.get_by_role("button", name="Ask").click()
    asks = [int(cell.replace(",", "")) for cell in shown.locator("tbody td:nth-child(3)").all_inner_texts()]
    assert asks == sorted(asks)
    shown.get_by_role("link", name="IRON", exact=True).first.click()
    expect(shown.locator("h1")).to_contain_text("IRON")
    expect(shown.locator("#history canvas")).to_be_visible()
    expect(shown.locator("#law canvas")).to_be_visible()
    assert shown.locator("tbody tr").count() >= 4
    shown.go_back()
    expect(shown.get_by_label("Find")).to_be_visible()


def test_the_server_of_a_system_is_named_where_there_are_several(page: Served, open_page: Open) -> None:
    for server in ("https://one.example/v2", "https://two.example/v2"):
        with page.database.transaction() as connection:
            world = World(connection)
            world.save_snapshot(
                world.universe_id(server, "2026-02-28"), make_snapshot("X1-GZ7-A1", [make_good()]), "visit"
            )
        shown = open_page(f"{page.url}/markets")
        choices = shown.get_by_label("System").locator("option")
        if server.startswith("https://one"):
            expect(choices).to_have_text("X1-GZ7 · universe of 2026-02-28")
    expect(choices).to_have_text(
        [f"X1-GZ7 · universe of 2026-02-28 · https://{name}.example/v2" for name in ("two", "one")]
    )


def test_every_view_fits_a_desk_and_a_phone_in_dark_and_light(
    page: Served, open_page: Open, make_rig: Callable[..., Rig]
) -> None:
    rig = make_rig(ships=1)
    rig.queue(rig.pairs(2))
    add_containers_to(page, "run-1")
    backgrounds = set()
    for size in (WIDE, PHONE):
        shown = open_page(page.url, size=size)
        for path in ("/", "/runs/run-1", "/markets", "/logs"):
            shown.goto(page.url + path)
            expect(shown.locator("main > *").first).to_be_visible()
            for scheme in ("dark", "light"):
                shown.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
                assert shown.evaluate("document.documentElement.scrollWidth") <= size["width"], (path, size, scheme)
                backgrounds.add((scheme, shown.evaluate("getComputedStyle(document.body).backgroundColor")))
        shown.close()
    assert len(backgrounds) == len({color for _, color in backgrounds}) == 2
    shown = open_page(f"{page.url}/runs/run-1", size=WIDE)
    expect(shown.locator("canvas[data-ship]")).to_be_visible()
    shown.set_viewport_size({"width": 390, "height": 844})
    assert shown.evaluate("document.documentElement.scrollWidth") <= 390


def add_containers_to(page: Served, run_id: str) -> None:
    """A container with a line in its log, for the run's ship."""
    row = {"container_id": "box-1", "run_id": run_id, "player_id": 1, "ship_symbol": "LAB-1", "command": {}}
    times = {"not_before": NOON, "created_at": NOON}
    with page.database.transaction() as connection:
        connection.execute(insert(containers).values(wanted_state="RUNNING", state="RUNNING", **row, **times))
        line = {"container_id": "box-1", "level": "INFO", "message": "long " * 80, "fields": {}, "logged_at": NOON}
        connection.execute(insert(container_logs).values(line))


def test_the_keyboard_reaches_everything(page: Served, open_page: Open) -> None:
    enter_run(page.database, apart(1))
    shown = open_page(page.url)
    expect(shown.get_by_role("link", name="run-1")).to_be_visible()
    reached = []
    for _ in range(7):
        shown.keyboard.press("Tab")
        reached.append(shown.evaluate("document.activeElement.textContent.trim().slice(0, 20)"))
        assert shown.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    for name in ("Skip to content", "Runs", "Markets", "Logs", "run-1"):
        assert name in reached
    shown.get_by_role("link", name="run-1").focus()
    shown.keyboard.press("Enter")
    expect(shown.locator("h1")).to_contain_text("run-1")


def test_a_server_that_comes_back_is_found_again(sqlite_url: str, open_page: Open) -> None:
    with served(sqlite_url) as page:
        shown = open_page(page.url)
        expect(shown.locator("#link")).to_have_text("live")
    expect(shown.locator("#link")).to_have_text("reconnecting")
    expect(shown.get_by_role("alert")).to_contain_text("The dashboard does not answer. See that it still runs")
    with served(sqlite_url, port=int(page.url.rpartition(":")[2])) as page:
        enter_run(page.database, apart(1))
        expect(shown.get_by_role("link", name="run-1")).to_be_visible()
        expect(shown.locator("#link")).to_have_text("live")
        expect(shown.get_by_role("alert")).to_be_hidden()
        shown.close()


def test_a_tab_that_nobody_sees_follows_nothing(page: Served, open_page: Open) -> None:
    """A browser has six connections to one server: a seventh tab would wait for ever."""
    shown = open_page(page.url)
    expect(shown.get_by_text("No runs yet")).to_be_visible()
    hide = "hidden => { Object.defineProperty(document, 'hidden', {value: hidden, configurable: true}); "
    hide += "document.dispatchEvent(new Event('visibilitychange')); }"
    with shown.expect_event("requestfailed", lambda request: "/api/events/runs" in request.url):
        shown.evaluate(hide, True)
    seen = open_page(page.url)
    expect(seen.get_by_text("No runs yet")).to_be_visible()
    enter_run(page.database, apart(1))
    expect(seen.get_by_role("link", name="run-1")).to_be_visible()
    expect(shown.get_by_text("No runs yet")).to_be_visible()
    shown.evaluate(hide, False)
    expect(shown.get_by_role("link", name="run-1")).to_be_visible()


def test_a_run_whose_daemon_was_killed_says_how_it_goes_on(page: Served, open_page: Open) -> None:
    enter_run(page.database, apart(1), ships=("LAB-1",))
    add_containers_to(page, "run-1")
    flown = update(containers).values(state="RUNNING", owner="D-1")
    with page.database.transaction() as connection:
        connection.execute(flown.values(lease_until=datetime.now(UTC) + timedelta(hours=1)))
    shown = open_page(f"{page.url}/runs/run-1")
    expect(shown.locator(".lanes")).to_contain_text("waiting for a pair")
    expect(shown.locator(".reason")).to_have_count(0)
    with page.database.transaction() as connection:
        connection.execute(flown.values(lease_until=datetime.now(UTC) + timedelta(seconds=2)))
    expect(shown.locator(".reason")).to_contain_text("spacetraders experiment resume --run-id run-1")
    expect(shown.locator(".lanes")).to_contain_text("not at work")
    expect(shown.locator(".lanes .container")).to_have_text("lost")


def test_a_page_that_waits_for_the_database_says_so(page: Served, open_page: Open) -> None:
    with closing(sqlite3.connect(page.database.name, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        shown = open_page(page.url)
        expect(shown.get_by_text("Waiting for the database.")).to_be_visible()
    expect(shown.get_by_text("No runs yet")).to_be_visible()


def test_an_address_of_nothing_leads_back(page: Served, open_page: Open) -> None:
    assert page.get("/nonsense").status_code == page.get("/api/nonsense").status_code == 404
    assert page.get("/api/nonsense").json()["error"] == "there is nothing at /api/nonsense"
    shown = open_page(f"{page.url}/runs/run-1/nonsense")
    expect(shown.get_by_text("There is nothing at this address")).to_be_visible()
    shown.get_by_role("link", name="all runs").click()
    expect(shown.get_by_text("No runs yet")).to_be_visible()


def test_a_single_trade_is_drawn_in_its_seconds(page: Served, open_page: Open) -> None:
    enter_run(page.database, apart(1))
    with page.database.transaction() as connection:
        ExperimentRepository(connection).record_transaction(make_record(timestamp=NOON))
    shown = open_page(f"{page.url}/runs/run-1")
    chart = shown.get_by_role("img", name="Trades per minute from")
    assert len(set(re.findall(r"[\d:]{8}", chart.get_attribute("aria-label") or ""))) == 2


def test_who_has_the_page_read_to_them_is_told_what_others_see(
    page: Served, open_page: Open, make_rig: Callable[..., Rig]
) -> None:
    rig = make_rig(ships=1)
    rig.fly(rig.queue([rig.pair("IRON")], FOUR_CELLS))
    shown = open_page(page.url)
    for view in ("Runs", "Markets"):
        shown.get_by_role("link", name=view, exact=True).click()
        expect(shown.get_by_role("heading", name=view, level=1)).to_have_count(1)
    shown.get_by_role("button", name="Ask").click()
    expect(shown.get_by_role("columnheader", name="Ask")).to_have_attribute("aria-sort", "ascending")
    shown.get_by_role("link", name="IRON", exact=True).first.click()
    expect(shown.get_by_role("img", name="Quotes from")).to_be_visible()
    expect(shown.get_by_role("img", name="the quote was")).to_be_visible()
    shown.goto(f"{page.url}/runs/run-1")
    expect(shown.get_by_role("img", name="Trades per minute from")).to_be_visible()
    assert shown.get_by_role("table").evaluate_all("all => all.every(one => one.ariaLabel)")


def test_a_run_is_paused_and_cancelled_by_its_buttons(sqlite_url: str, open_page: Open) -> None:
    with closing(open_database(sqlite_url)) as writing, served(sqlite_url, act=change_runs(writing)) as page:
        enter_run(page.database, apart(1))
        shown = open_page(f"{page.url}/runs/run-1")
        shown.get_by_role("button", name="pause").click()
        expect(shown.locator(".pill")).to_have_text("suspended")
        shown.on("dialog", lambda dialog: dialog.accept())
        shown.get_by_role("button", name="cancel").click()
        expect(shown.locator(".pill")).to_have_text("cancelled")
        expect(shown.get_by_role("button", name="pause")).to_have_count(0)


def test_without_control_there_are_no_buttons(page: Served, open_page: Open) -> None:
    enter_run(page.database, apart(1))
    shown = open_page(f"{page.url}/runs/run-1")
    expect(shown.locator("h1")).to_be_visible()
    assert shown.locator(".controls").count() == 0
