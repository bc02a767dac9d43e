"""Puts the dashboard together: Dash on FastAPI, the live channel, the API and the gate."""

import argparse
import inspect
import logging
import sys
from collections.abc import Sequence
from contextvars import copy_context
from pathlib import Path
from typing import Any

import uvicorn
from dash import Dash
from dash.backends._fastapi import FastAPIDashServer
from fastapi import FastAPI, Request, Response
from starlette.concurrency import run_in_threadpool

from dashboard import api, basemap, fences, health, security, shell, theme
from dashboard.live import endpoint
from dashboard.live.hub import Hub
from dashboard.page import Context
from dashboard.pages import PAGES
from puente import settings as settings_module
from puente.settings import Settings, SettingsError
from puente.store.connection import connect

ASSETS = Path(__file__).resolve().parent.parent / "assets"
TITLE = "Puente"

_INDEX = """<!DOCTYPE html>
<html lang="en" data-mantine-color-scheme="dark">
  <head>
    {%metas%}
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>{%title%}</title>
    {%favicon%}
    <link rel="stylesheet" href="/theme.css">
    {%css%}
  </head>
  <body>
    {%app_entry%}
    <noscript>Puente draws its map and its lists with JavaScript: please allow it.</noscript>
    <footer>{%config%}{%scripts%}{%renderer%}</footer>
  </body>
</html>"""


class ThreadedBackend(FastAPIDashServer):  # type: ignore[misc] # dash ships no types
    """Dash on FastAPI with callbacks that are not coroutines moved off the event loop.

    Dash 4.4 calls them on the loop itself: one slow read of a track would hold up everybody's
    frames.
    """

    # Dash would open a second socket for callbacks, which nothing here uses.
    websocket_capability = False

    @staticmethod
    def create_app(name: str = "__main__", config: dict[str, Any] | None = None) -> FastAPI:
        """Make the server without FastAPI's own documentation pages, which load from a CDN."""
        server = FastAPI(title=name, docs_url=None, redoc_url=None, openapi_url=None)
        for key, value in (config or {}).items():
            setattr(server.state, key, value)
        return server

    def serve_callback(self, dash_app: Dash) -> Any:  # noqa: ANN401 - as Dash declares it
        """Answer a callback as Dash does, but run it in a thread."""

        async def dispatch(request: Request) -> Response:
            body = self.request_adapter().get_json()
            context = dash_app._initialize_context(body)
            function = dash_app._prepare_callback(context, body)
            arguments = dash_app._inputs_to_vals(context.inputs_list + context.states_list)
            call = dash_app._execute_callback(function, arguments, context.outputs_list, context)
            answer = await run_in_threadpool(copy_context().run, call)
            if inspect.iscoroutine(answer):
                answer = await answer
            return context.dash_response.set_response(data=answer)

        return dispatch


def create_app(context: Context) -> Dash:
    """Build the app for a context. The hub is used as it is: start it yourself."""
    app = Dash(
        "puente",
        backend=ThreadedBackend,
        title=TITLE,
        update_title=None,
        assets_folder=str(ASSETS),
        index_string=_INDEX,
        compress=True,
        enable_mcp=False,
        # Pages bring their components with them; tests/dashboard/test_wiring.py checks the ids.
        suppress_callback_exceptions=True,
    )
    app.layout = shell.layout(context)
    shell.register(app, context)
    for page in PAGES:
        page.register(app, context)

    server: FastAPI = app.server
    endpoint.attach(server, context.hub, context.clock)
    health.attach(server, context.hub)
    fences.attach(server, context.hub)
    _attach_looks(server)
    api.mount(app, context)
    # Dash lists the assets at the first request of "/": somebody who opens /wall first would get
    # a page without any.
    app._setup_server()
    server.add_middleware(
        security.Gate,
        visitors=security.Visitors(context.settings.host, context.settings.port),
        headers=security.headers(app.csp_hashes()),
    )
    return app


def _attach_looks(server: FastAPI) -> None:
    sheet = theme.css()

    def theme_css() -> Response:
        return Response(sheet, media_type="text/css", headers={"Cache-Control": "no-cache"})

    def basemap_style(name: str, request: Request, lite: bool = False) -> Any:  # noqa: ANN401 - a query parameter
        if name not in theme.THEMES:
            return Response(status_code=404)
        return basemap.style(name, str(request.base_url), lite=lite)

    server.add_api_route("/theme.css", theme_css, include_in_schema=False)
    server.add_api_route(
        "/basemap/{name}.json", basemap_style, include_in_schema=False, response_model=None
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve the dashboard until told to stop; settings come from the environment."""
    parser = argparse.ArgumentParser(
        prog="python -m dashboard",
        description="Serve Puente's map, lists and API. Settings come from the environment.",
        epilog="example: REDIS_URL=redis://127.0.0.1:6379/0 PORT=8050 python -m dashboard",
    )
    parser.parse_args(arguments)
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )
    try:
        settings = settings_module.load()
        check(settings)
    except (SettingsError, security.OpenToOthers) as error:
        print(f"dashboard: {error}", file=sys.stderr)  # noqa: T201 - the command line's answer
        return 2
    serve(settings)
    return 0


def check(settings: Settings) -> None:
    """Refuse settings with which the dashboard cannot do its work.

    Raises:
        SettingsError: no Redis is named.
        OpenToOthers: the address is not loopback and nobody said that this is meant.
    """
    if not settings.redis_url:
        raise SettingsError(
            "REDIS_URL is not set: name the Redis to read, or use `puente up`, which starts one"
        )
    security.check_address(settings)


def serve(settings: Settings) -> None:
    """Run the server in this thread until a signal ends it."""
    store = connect(settings.redis_url)
    clock = settings.clock
    hub = Hub(store, clock)
    app = create_app(Context(store=store, hub=hub, clock=clock, settings=settings))
    hub.start()
    try:
        # Deflating the frames costs thirteen times their sending (facts/front.md).
        uvicorn.run(
            app.server,
            host=settings.host,
            port=settings.port,
            ws="websockets-sansio",
            ws_per_message_deflate=False,
            log_level="warning",
            timeout_graceful_shutdown=3,
        )
    finally:
        hub.stop()
        store.close()
