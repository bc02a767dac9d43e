"""A context over a real store, and the app that serves it, for tests of pages and API."""

from dash import Dash

from dashboard.live.hub import Hub
from dashboard.page import Context
from puente.clock import Clock
from puente.instant import Instant
from puente.settings import Settings
from puente.store.connection import Store
from tests.dashboard.seeds import NOW


class StillClock(Clock):
    """A clock that always shows the same instant."""

    def now(self) -> Instant:
        return NOW


def context_over(store: Store) -> Context:
    clock = StillClock()
    return Context(store=store, hub=Hub(store, clock), clock=clock, settings=Settings())


def ids_in(tree: object) -> set[str]:
    """All plain ids of a component tree."""
    found = {tree.id} if isinstance(getattr(tree, "id", None), str) else set()
    for child in tree._traverse() if hasattr(tree, "_traverse") else ():
        if isinstance(getattr(child, "id", None), str):
            found.add(child.id)
    return found


def words_in(tree: object) -> str:
    """All text of a component tree, in order."""
    if tree is None or isinstance(tree, bool):
        return ""
    if isinstance(tree, str | int | float):
        return str(tree)
    if isinstance(tree, list | tuple):
        return " ".join(filter(None, map(words_in, tree)))
    return words_in(getattr(tree, "children", None))


def hrefs_in(tree: object) -> set[str]:
    """All links of a component tree."""
    found = {tree.href} if getattr(tree, "href", None) else set()
    return found | {
        child.href for child in tree._traverse() if getattr(child, "href", None) is not None
    }


def bare_app() -> Dash:
    return Dash("test", backend="fastapi", suppress_callback_exceptions=True)
