"""/healthz: whether the screens show what is true, in a form that programs read."""

from functools import lru_cache
from importlib import metadata
from typing import Any

from fastapi import FastAPI
from starlette.responses import JSONResponse

from dashboard.live.freshness import Freshness, Verdict
from dashboard.live.hub import Hub
from puente.store.live import GatewayStatus, ServerInfo

PATH = "/healthz"

_DIFFERS_S = 1.0
"""A partition within this of the newest one is not worth a line of its own."""


def attach(server: FastAPI, hub: Hub) -> None:
    """Serve the health report."""

    def healthz() -> JSONResponse:
        body = report(hub.freshness(), hub.frame_age_s(), hub.server, hub.gateway)
        live = body["status"] != Verdict.NOT_LIVE.value
        return JSONResponse(
            body, status_code=200 if live else 503, headers={"Cache-Control": "no-store"}
        )

    server.add_api_route(PATH, healthz, methods=["GET"], include_in_schema=False)


def report(
    freshness: Freshness,
    frame_s: float,
    server: ServerInfo | None,
    gateway: GatewayStatus | None,
) -> dict[str, Any]:
    """Write the report: ages in real seconds, null for what never happened.

    `partitions` lists those that are behind the newest one by more than a second.
    """
    newest = min(freshness.partitions.values(), default=0.0)
    return {
        "status": freshness.verdict.value if freshness.reachable else Verdict.NOT_LIVE.value,
        "commit_age_s": _rounded(freshness.commit_s),
        "fix_age_s": _rounded(freshness.fix_s),
        "frame_age_s": _rounded(frame_s),
        "gateway_age_s": _rounded(freshness.beat_s),
        "partitions": {
            f"p{partition:02d}": _rounded(age_s)
            for partition, age_s in sorted(freshness.partitions.items())
            if age_s - newest > _DIFFERS_S
        },
        "redis": {
            "reachable": freshness.reachable,
            "name": server.name if server else None,
            "version": server.version if server else None,
            "durable": server.durable if server else None,
            "lacks": list(server.lacks) if server else [],
        },
        "broker": {
            "connected": gateway.connected if gateway else None,
            "name": gateway.broker if gateway else None,
        },
        "version": version(),
    }


@lru_cache(maxsize=1)
def version() -> str:
    """Return the version of the installed package; `source` when it runs from a checkout."""
    try:
        return metadata.version("puente")
    except metadata.PackageNotFoundError:
        return "source"


def _rounded(age_s: float | None) -> float | None:
    return None if age_s is None else round(age_s, 1)
