"""The names of everything that can be looked at, as they stand in the page's addresses."""

from collections.abc import Callable
from urllib.parse import unquote

from spacetraders_lab.core.errors import UserError
from spacetraders_lab.dashboard.logs_feed import LogsFeed
from spacetraders_lab.dashboard.market_feeds import ListingFeed, SystemFeed, SystemsFeed
from spacetraders_lab.dashboard.poller import Feed
from spacetraders_lab.dashboard.run_feed import RunFeed
from spacetraders_lab.dashboard.runs_feed import RunsFeed

_FEEDS: dict[tuple[str, int], Callable[..., Feed]] = {
    ("runs", 0): RunsFeed,
    ("runs", 1): RunFeed,
    ("markets", 0): SystemsFeed,
    ("markets", 2): SystemFeed,
    ("listings", 3): ListingFeed,
    ("logs", 0): LogsFeed,
}


def feed_of(name: str) -> Feed:
    """A new feed for a name such as `runs` or `runs/RUN_ID`, as it stands in an address; UserError for no such name."""
    kind, *arguments = map(unquote, name.split("/"))
    make = _FEEDS.get((kind, len(arguments)))
    try:
        if make is not None:
            return make(*arguments)
    except ValueError:  # a universe that is no number
        pass
    raise UserError(f"there is no view called {name!r}")
