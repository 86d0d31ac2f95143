"""The one verb of this room: everything that can be found in recorded trades and market snapshots."""

from spacetraders_lab.analysis.checks import check_prices
from spacetraders_lab.analysis.dataset import Dataset, count_exclusions
from spacetraders_lab.analysis.findings import Findings
from spacetraders_lab.analysis.observations import Observations


def analyse(data: Dataset, observations: Observations) -> Findings:
    """Estimate everything; the same rows always give the same numbers."""
    return Findings(exclusions=count_exclusions(data), checks=check_prices(data))
