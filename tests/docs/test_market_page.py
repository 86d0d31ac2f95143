"""The figures of the page about the market are those of the law that the sandbox plays."""

from tools.reference import DOCS

from spacetraders_lab.core.market import ListingType
from spacetraders_lab.sandbox.economy import game_prices, supply_label


def _row(stock: float) -> str:
    """A line of the page's table, computed."""
    ask, after_buying = (game_prices(ListingType.EXPORT, 100, 0.60, s)[0] for s in (stock, stock - 1))
    bid, after_selling = (game_prices(ListingType.IMPORT, 100, 1.40, s)[1] for s in (stock, stock + 1))
    buying, selling = 100 * (after_buying / ask - 1), 100 * (after_selling / bid - 1)
    label = supply_label(ListingType.EXPORT, stock)
    return f"| {label} | {stock} | {ask:.0f} | {buying:+.1f} % | {bid:.0f} | {selling:+.1f} % |".replace("-", "−")


def test_the_table_of_moves_follows_from_the_law() -> None:
    page = (DOCS / "explanation" / "how-the-market-works.md").read_text()
    for stock in (0.5, 2.0, 5.0, 8.0, 9.5):
        assert f"\n{_row(stock)}\n" in page
