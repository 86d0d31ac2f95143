"""Every statement of the Grafana dashboard answers on PostgreSQL, with Grafana's macros written out as it does."""

import json
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from spacetraders_lab.core.rate_budget import Demand, Pools, RateBudget, Reservation, reserve
from spacetraders_lab.store import rate_budget
from spacetraders_lab.store.database import Database, hour_of, open_database
from tests.factories import GOOD, NOON
from tests.store.test_care import observe
from tests.store.test_original_sql import play

DASHBOARD = json.loads((Path(__file__).parents[2] / "contrib" / "grafana" / "liquidity-lab.json").read_text())
PANELS = {panel["title"]: panel["targets"][0] for panel in DASHBOARD["panels"]}
VARIABLES = {v["name"]: v["query"] for v in DASHBOARD["templating"]["list"] if v["type"] == "query"}
DAY = "BETWEEN '2026-03-01T00:00:00Z' AND '2026-03-02T00:00:00Z'"

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def played(postgres_server: Any, postgres_template: str) -> Iterator[Database]:
    """Runs with pairs in every state, trades, prices, and an account whose limit is in use."""
    with postgres_server.database(postgres_template) as url, closing(open_database(url, durable=False)) as database:
        play(database)
        observe(database, NOON)

        def ask(budget: RateBudget) -> tuple[RateBudget, Reservation]:
            return reserve(budget, "0123456789abcdef", Demand(20, Pools(2, 1.0, 30, 60.0)), now=now)

        with database.transaction() as connection:
            now = hour_of(connection).timestamp()
            rate_budget.change(connection, "https://game.example/v2 AGENT", ask)
        yield database


def written_out(sql: str) -> str:
    """The statement as Grafana's PostgreSQL data source sends it."""
    sql = re.sub(r"\$__timeFilter\((\w+)\)", rf"\1 {DAY}", sql)
    sql = re.sub(r"\$__timeGroupAlias\((\w+),'5m'\)", r'floor(extract(epoch from \1)/300)*300 AS "time"', sql)
    sql = sql.replace("${run_id:sqlstring}", "'run-1'").replace("${good:sqlstring}", f"'{GOOD}'")
    assert "$" not in sql, "a macro that this test does not know"
    return sql


def ask(database: Database, sql: str) -> list[dict[str, Any]]:
    with database.reading() as connection:
        connection.execute(text("SET LOCAL TRANSACTION READ ONLY"))
        return [dict(row) for row in connection.exec_driver_sql(written_out(sql)).mappings()]


@pytest.mark.parametrize("title", PANELS)
def test_a_panel_has_something_to_show(played: Database, title: str) -> None:
    rows = ask(played, PANELS[title]["rawSql"])
    assert rows
    if PANELS[title]["format"] == "time_series":
        assert {"time", "metric", "value"} == set(rows[0])


def test_the_figures_are_those_of_the_runs(played: Database) -> None:
    def first(title: str) -> dict[str, Any]:
        return ask(played, PANELS[title]["rawSql"])[0]

    assert first("Pairs by state") == {"completed": 3, "in progress": 1, "pending": 1, "failed": 1}
    assert first("Pairs by ship") == {"ship": "S-1", "pairs_completed": 2}
    assert first("Failed pairs")["error_message"] == "why"
    assert first("Run")["status"] == "RUNNING"
    assert [row["value"] for row in ask(played, PANELS["Prices of $good"]["rawSql"])] == [50, 24]
    limit = first("Requests: the burst pool in the last minute")
    assert (limit["of the burst pool"], limit["last turn of"]) == (14, "01234567")
    assert limit["promised for s"] > 0


def test_the_choices_are_the_runs_and_their_goods(played: Database) -> None:
    assert [row["run_id"] for row in ask(played, VARIABLES["run_id"])] == ["run-1", "run-2"]
    assert next(row["good_symbol"] for row in ask(played, VARIABLES["good"])) == "GOOD_1"


def test_every_panel_and_choice_asks_the_database_that_the_user_chose() -> None:
    sources = [panel["datasource"] for panel in DASHBOARD["panels"]]
    sources += [v["datasource"] for v in DASHBOARD["templating"]["list"] if v["type"] == "query"]
    assert {source["uid"] for source in sources} == {"${datasource}"}
