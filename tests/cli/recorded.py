"""A small experiment, played in virtual time, in the database of a user who has no token and no network."""

from datetime import datetime
from pathlib import Path

from spacetraders_lab.core.experiment import Design
from spacetraders_lab.core.market import ListingType
from spacetraders_lab.store.database import open_database
from spacetraders_lab.store.experiments import ExperimentRepository
from spacetraders_lab.study.rig import BASE_URL, Rig
from tests.terminal import Terminal

GOODS = ("COPPER", "GOLD", "IRON")


class Recorded:
    """Some goods between all their markets; `lane` is (good, an EXPORT's market, an IMPORT's market)."""

    def __init__(self, home: Path) -> None:
        self.terminal = Terminal(home, BASE_URL=BASE_URL)
        database = open_database(path=self.terminal.database, durable=False)
        rig = Rig(database, ships=2, credits=20_000_000)
        rig.scout()
        run = rig.launch(
            rig.prepare(design=Design((1.0,), 1), goods=GOODS, max_pairs=30, until_reset=True),
        )
        rig.fly(run)
        self.run_id, self.transactions = run.run_id, len(rig.records(run))
        self.system = rig.system
        bought = {(r.good_symbol, r.buy_market) for r in rig.records(run)}
        self.lane = next(
            (good, source, target)
            for good in GOODS
            for source in rig.markets_of(good, ListingType.EXPORT)
            for target in rig.markets_of(good, ListingType.IMPORT)
            if (good, source) in bought
        )
        database.close()

    def ended(self) -> datetime:
        """When the last trade was made."""
        database = open_database(path=self.terminal.database)
        with database.reading() as connection:
            found = max(record.timestamp for record in ExperimentRepository(connection).records(self.run_id))
        database.close()
        return found
