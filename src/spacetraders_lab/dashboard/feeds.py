"""The names of everything that can be looked at, as they stand in the page's addresses."""

from collections.abc import Callable

from spacetraders_lab.core.errors import UserError
from spacetraders_lab.dashboard.poller import Feed
from spacetraders_lab.dashboard.run_feed import RunFeed
from spacetraders_lab.dashboard.runs_feed import RunsFeed

_FEEDS: dict[tuple[str, int], Callable[..., Feed]] = {
    ("runs", 0): RunsFeed,
    ("runs", 1): RunFeed,
}


def feed_of(name: str) -> Feed:
    """A new feed for a name such as `runs` or `runs/RUN_ID`; raises UserError for a name of nothing."""
    kind, *arguments = name.split("/")
    make = _FEEDS.get((kind, len(arguments)))
    if make is None:
        raise UserError(f"there is nothing called {name!r} to look at")
    return make(*arguments)
