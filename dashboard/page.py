"""What a page is, so that the shell can list, route and wire pages without knowing them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dash import Dash

from dashboard.live.hub import Hub
from puente.clock import Clock
from puente.settings import Settings
from puente.store.connection import Store


@dataclass(frozen=True)
class Context:
    """What pages are given: the store, the live hub, the clock and the settings."""

    store: Store
    hub: Hub
    clock: Clock
    settings: Settings


@dataclass(frozen=True)
class Page:
    """One page: a line in `dashboard.pages.PAGES` puts it into navigation and routing.

    `path` may hold one parameter, as in `/shipments/<id>`. `layout(context, params, query)`
    builds the page for a URL; `register(app, context)` adds its callbacks once per app. A page
    without `icon` is reached by links only.
    """

    name: str
    path: str
    title: str
    layout: Callable[[Context, Mapping[str, str], Mapping[str, str]], Any]
    register: Callable[[Dash, Context], None]
    icon: str | None = None
