"""The frame around every page: navigation, headline, freshness, and which page a URL means.

The map is built the first time it is wanted and then stays: it is hidden, never unmounted, since
a browser has few WebGL contexts and drawing the first frame takes seconds.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote

import dash_mantine_components as dmc
from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update
from dash_iconify import DashIconify

from dashboard import security, theme
from dashboard.components.empty import empty
from dashboard.components.headline import alerts_by_severity, figures
from dashboard.page import Context, Page
from dashboard.pages import PAGES
from puente.store.connection import StoreUnavailable

ON_STAGE = ("map", "wall")
"""Pages that show the map: it fills the first, and stands behind the second."""


def layout(context: Context) -> Any:  # noqa: ANN401 - a Dash component
    """Build what is on every page."""
    return dmc.MantineProvider(
        theme=theme.mantine(),
        defaultColorScheme="dark",
        children=[
            dcc.Location(id="url", refresh=False),
            dcc.Store(id="theme"),
            dcc.Store(id="on-stage", data=False),
            dcc.Store(id="destination"),
            dcc.Store(id="alert-action"),
            dcc.Store(id="toast"),
            dcc.Store(id="routed"),
            html.Div(
                [
                    html.A("Skip to content", href="#main", className="skip"),
                    _rail(),
                    _header(),
                    *_warning(context),
                    html.Main(
                        [
                            html.Section(id="stage", **{"aria-label": "Live map"}),
                            html.Div(id="page"),
                        ],
                        id="main",
                    ),
                    _footer(),
                    html.Div(id="toasts", role="status", **{"aria-live": "polite"}),
                ],
                id="shell",
                className="shell",
            ),
        ],
    )


def _rail() -> Any:  # noqa: ANN401
    links = [
        dcc.Link(
            [DashIconify(icon=page.icon, width=22), html.Span(page.title)],
            href=page.path,
            id=f"nav-{page.name}",
            className="nav-link",
        )
        for page in PAGES
        if page.icon
    ]
    mark = html.Div(className="brand-mark", title="Puente")
    return html.Nav([mark, *links], id="rail", **{"aria-label": "Pages"})


def _header() -> Any:  # noqa: ANN401
    return html.Header(
        [
            html.Div([html.Strong("Puente"), html.Span("US–Mexico freight")], className="brand"),
            html.Div([*figures(), alerts_by_severity()], className="figures"),
            html.Div(
                [
                    html.Label(
                        [
                            html.Span("You are"),
                            dcc.Input(
                                id="operator-name",
                                type="text",
                                placeholder="your name",
                                maxLength=80,
                                autoComplete="off",
                                persistence=True,
                                persistence_type="local",
                                debounce=False,
                                value="",
                            ),
                        ],
                        className="operator",
                        title="Written beside what you do to alerts; kept in this browser.",
                    ),
                    html.Button(
                        DashIconify(icon="tabler:sun", width=18),
                        id="theme-toggle",
                        className="icon-button",
                        title="Dark or light",
                        **{"aria-label": "Switch between dark and light"},
                    ),
                    live_badge(),
                    clock(),
                ],
                className="header-right",
            ),
        ],
        id="header",
    )


def live_badge() -> Any:  # noqa: ANN401
    """Build the badge that says whether the screen is live; `assets/16-freshness.js` fills it."""
    return html.Div(
        [html.Span(className="pulse"), html.Span("Connecting", className="badge-text")],
        className="live-badge",
        role="status",
        **{"data-live": "badge"},
    )


def clock() -> Any:  # noqa: ANN401
    """Build the clock; it shows Puente's time, which a demo may run faster."""
    return html.Div(
        [html.Span(**{"data-clock": "local"}), html.Span(**{"data-clock": "utc"})],
        className="clock",
    )


def _warning(context: Context) -> list[Any]:
    if not security.open_to_others(context.settings):
        return []
    return [html.Div(security.UNAUTHENTICATED_WARNING, className="warning", role="note")]


def _footer() -> Any:  # noqa: ANN401
    return html.Footer(
        [
            html.Span(**{"data-live": "ages"}),
            html.Span(className="footer-lacks", **{"data-live": "lacks"}),
        ],
        id="footer",
    )


def find(path: str) -> tuple[Page, dict[str, str]] | None:
    """Find the page of a path and the parameter in it."""
    steps = [unquote(step) for step in path.strip("/").split("/")]
    for page in PAGES:
        pattern = page.path.strip("/").split("/")
        if len(pattern) != len(steps):
            continue
        params = {
            name[1:-1]: step
            for name, step in zip(pattern, steps, strict=True)
            if name.startswith("<")
        }
        fits = all(
            name.startswith("<") or name == step for name, step in zip(pattern, steps, strict=True)
        )
        if fits and all(params.values()):
            return page, params
    return None


def query_of(search: str | None) -> dict[str, str]:
    """Read a query string; of a key given twice the last counts."""
    return dict(parse_qsl((search or "").removeprefix("?")))


def show(
    context: Context, path: str, query: Mapping[str, str], *, staged: bool
) -> tuple[Any, Any, bool, str]:
    """Decide what a URL shows: the stage's content (or no change), the page's, and the class."""
    found = find(path)
    if found is None:
        lost = empty(
            "There is nothing here",
            f"No page answers to {path}.",
            dcc.Link("To the map", href="/"),
        )
        return no_update, lost, staged, "shell page-other"
    page, params = found
    try:
        stage: Any = no_update
        if page.name in ON_STAGE and not staged:
            stage = PAGES[0].layout(context, {}, query)
        content = None if page.name == "map" else page.layout(context, params, query)
    except StoreUnavailable:
        content = empty(
            "The store cannot be reached",
            "Redis does not answer, so this page has nothing to show. The badge above turns LIVE "
            "again by itself; then open the page once more.",
        )
        return no_update, content, staged, "shell page-other"
    kind = f"page-{page.name}" if page.name in ON_STAGE else f"page-other page-{page.name}"
    return stage, content, staged or page.name in ON_STAGE, f"shell {kind}"


def register(app: Dash, context: Context) -> None:
    """Wire routing, theme and toasts."""

    @app.callback(
        Output("stage", "children"),
        Output("page", "children"),
        Output("on-stage", "data"),
        Output("shell", "className"),
        Input("destination", "data"),
        State("on-stage", "data"),
        prevent_initial_call=True,
    )
    def route(destination: Mapping[str, str] | None, staged: bool) -> Any:  # noqa: ANN401
        if not destination:
            return (no_update,) * 4
        # What the browser remembers is known only there; the map is to be drawn in it at once.
        query = query_of(destination.get("search")) | {"theme": destination.get("theme", "dark")}
        return show(context, destination.get("path") or "/", query, staged=bool(staged))

    app.clientside_callback(
        ClientsideFunction("puente", "destination"),
        Output("destination", "data"),
        Input("url", "pathname"),
        State("url", "search"),
    )
    app.clientside_callback(
        ClientsideFunction("puente", "routed"),
        Output("routed", "data"),
        Input("shell", "className"),
        Input("page", "children"),
        Input("url", "href"),
    )
    app.clientside_callback(
        ClientsideFunction("puente", "theme"),
        Output("theme", "data"),
        Input("theme-toggle", "n_clicks"),
    )
    app.clientside_callback(
        ClientsideFunction("puente", "toast"),
        Output("toasts", "title"),
        Input("toast", "data"),
        prevent_initial_call=True,
    )
