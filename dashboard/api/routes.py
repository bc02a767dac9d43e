"""The endpoints. Each is a plain function: FastAPI runs it in a thread, so the store may block."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any, Literal

from fastapi import APIRouter, FastAPI, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, Field

from dashboard.actions.alerts import Verdict, perform
from dashboard.api import wire
from dashboard.page import Context
from dashboard.queries import alerts as alert_queries
from dashboard.queries import devices as device_queries
from dashboard.queries import events as event_queries
from dashboard.queries import track as track_queries
from dashboard.queries.board import live_rows
from dashboard.queries.plans import current_plan
from puente import instant
from puente.instant import Instant
from puente.store.connection import StoreUnavailable

PREFIX = "/api/v1"

Endpoint = Callable[[Request], Coroutine[Any, Any, Response]]


class BadRequest(Exception):
    """A query or a body that cannot be used; the message says what would do."""


class _Route(APIRoute):
    """Turns our own failures, and FastAPI's, into one shape: `{"detail": "plain words"}`."""

    def get_route_handler(self) -> Endpoint:
        inner = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await inner(request)
            except RequestValidationError as error:
                return _problem(400, _in_words(error))
            except BadRequest as error:
                return _problem(400, str(error))
            except StoreUnavailable:
                return _problem(503, "the store cannot be reached; try again in a moment")

        return answer


def _in_words(error: RequestValidationError) -> str:
    said = []
    for item in error.errors():
        place = ".".join(str(part) for part in item["loc"] if part not in ("query", "body"))
        said.append(f"{place or 'body'}: {item['msg']}")
    return "; ".join(said)


def _problem(status: int, detail: str, **more: object) -> JSONResponse:
    return JSONResponse({"detail": detail, **more}, status_code=status)


class ActionBody(BaseModel):
    """What a person says with an action. Unknown extra fields are ignored."""

    model_config = ConfigDict(extra="ignore", strict=True)

    by: str = Field(description="who acts; kept in the audit")
    note: str = Field(default="", description="required to comment and to close")
    to: str | None = Field(default=None, description="whom an assignment goes to; else who acts")
    revision: int | None = Field(
        default=None,
        description="the revision that was seen; if the alert changed since, the answer is 409",
    )


Limit = Annotated[int, Query(ge=1, le=10_000, description="how many at most")]
ShipmentId = Annotated[str, Path(description="id of the shipment in the plan")]
AlertId = Annotated[str, Path(description="id of the alert")]
ActionName = Literal["acknowledge", "assign", "comment", "close"]


def _instant(name: str, value: str | None) -> Instant | None:
    if not value:
        return None
    try:
        # A plus sign in a query that was not encoded arrives as a space.
        return instant.parse(value.replace(" ", "+") if "T" in value.upper() else value)
    except ValueError:
        raise BadRequest(
            f"'{name}' must be RFC 3339 with a zone, such as 2026-07-01T12:00:00Z, not {value!r}"
        ) from None


def router(context: Context) -> APIRouter:
    """Build the endpoints over one context."""
    api = APIRouter(prefix=PREFIX, route_class=_Route, default_response_class=JSONResponse)
    _shipments(api, context)
    _events(api, context)
    _alerts(api, context)
    _devices(api, context)
    return api


def _shipments(api: APIRouter, context: Context) -> None:
    @api.get("/shipments", summary="All planned shipments with what is known of them now")
    def shipments() -> Any:  # noqa: ANN401 - JSON
        plan, rows = current_plan(context.store), live_rows(context.store)
        now = context.clock.now()
        return {
            "as_of": wire.moment(now),
            "shipments": [
                wire.shipment(plan, planned, rows.get(planned.id), now)
                for planned in plan.shipments.values()
            ],
        }

    @api.get("/shipments/{shipment_id}", summary="One shipment")
    def shipment(shipment_id: ShipmentId) -> Any:  # noqa: ANN401 - JSON
        plan = current_plan(context.store)
        planned = plan.shipments.get(shipment_id)
        if planned is None:
            return _problem(404, f"no shipment {shipment_id!r} in the plan")
        row = live_rows(context.store).get(shipment_id)
        return wire.shipment(plan, planned, row, context.clock.now())

    @api.get("/shipments/{shipment_id}/track", summary="A shipment's readings in truth order")
    def track(
        shipment_id: ShipmentId,
        from_: Annotated[str | None, Query(alias="from", description="RFC 3339, included")] = None,
        to: Annotated[str | None, Query(description="RFC 3339, included")] = None,
    ) -> Any:  # noqa: ANN401 - JSON
        from_at, to_at = _instant("from", from_), _instant("to", to)
        if from_at is not None and to_at is not None and from_at > to_at:
            raise BadRequest("'from' is after 'to'")
        if shipment_id not in current_plan(context.store).shipments:
            return _problem(404, f"no shipment {shipment_id!r} in the plan")
        found = track_queries.readings(context.store, shipment_id, from_at, to_at)
        return {"shipment_id": shipment_id, "readings": [wire.reading(r) for r in found]}


def _events(api: APIRouter, context: Context) -> None:
    @api.get("/events", summary="Decisions about all shipments, in order of learning")
    def events(
        since: Annotated[
            str | None,
            Query(description="'next' of an earlier answer, or RFC 3339: learned at or after it"),
        ] = None,
        limit: Limit = 1000,
    ) -> Any:  # noqa: ANN401 - JSON
        cursor, after = since, None
        if since and "T" in since.upper():
            cursor, after = None, _instant("since", since)
        try:
            found, following = event_queries.since(context.store, cursor, limit)
            while after is not None and found and found[-1].learned_at < after:
                found, following = event_queries.since(context.store, following, limit)
        except ValueError:
            raise BadRequest(
                "'since' is neither 'next' of an earlier answer nor RFC 3339 with a zone"
            ) from None
        kept = [e for e in found if after is None or e.learned_at >= after]
        return {"events": [wire.event(e) for e in kept], "next": following}


def _alerts(api: APIRouter, context: Context) -> None:
    @api.get("/alerts", summary="Alerts, newest first")
    def alerts(
        state: Annotated[
            Literal["open", "closed", "all"], Query(description="which alerts")
        ] = "open",
        limit: Limit = 1000,
    ) -> Any:  # noqa: ANN401 - JSON
        found = [] if state == "closed" else alert_queries.queue(context.store)
        if state != "open":
            found += alert_queries.history(context.store, limit)
        return {
            "as_of": wire.moment(context.clock.now()),
            "alerts": [wire.alert(a) for a in found[:limit]],
        }

    @api.get("/alerts/{alert_id}", summary="One alert with its history")
    def alert(alert_id: AlertId) -> Any:  # noqa: ANN401 - JSON
        found = alert_queries.alert_file(context.store, alert_id)
        if found is None:
            return _problem(404, f"no alert {alert_id!r}")
        history = [
            {
                "at": wire.moment(entry.at),
                "by": entry.by,
                "action": entry.action,
                "before": entry.before,
                "after": entry.after,
                "note": entry.note,
            }
            for entry in found.audit
        ]
        return {**wire.alert(found.alert), "history": history}

    @api.post(
        "/alerts/{alert_id}/{action}",
        summary="Acknowledge, assign, comment or close",
        responses={
            400: {"description": "a name or a note is missing"},
            404: {"description": "no such alert"},
            409: {"description": "somebody else was faster: `by` and `at` say who and when"},
        },
    )
    def change(alert_id: AlertId, action: ActionName, body: ActionBody) -> Any:  # noqa: ANN401
        outcome = perform(context, alert_id, action, body.by, body.note, body.to, body.revision)
        match outcome.verdict:
            case Verdict.DONE if outcome.alert is not None:
                return wire.alert(outcome.alert)
            case Verdict.NOT_FOUND:
                return _problem(404, outcome.message)
            case Verdict.CONFLICT:
                current = wire.alert(outcome.alert) if outcome.alert else None
                return _problem(
                    409,
                    outcome.message,
                    by=outcome.by,
                    at=wire.moment(outcome.at),
                    alert=current,
                )
            case Verdict.UNAVAILABLE:
                return _problem(503, outcome.message)
            case _:
                return _problem(400, outcome.message)


def _devices(api: APIRouter, context: Context) -> None:
    @api.get("/devices", summary="Every device that was heard, with its watermark")
    def devices() -> Any:  # noqa: ANN401 - JSON
        plan = current_plan(context.store)
        return {
            "as_of": wire.moment(context.clock.now()),
            "devices": [wire.device(r, plan) for r in device_queries.devices(context.store)],
        }

    @api.get("/rejections", summary="Deliveries that could not be used, newest first")
    def rejections(limit: Limit = 500) -> Any:  # noqa: ANN401 - JSON
        found = device_queries.rejections(context.store, limit)
        return {
            "counts": device_queries.rejection_counts(context.store),
            "rejections": [wire.rejection(r) for r in found],
        }


def mount(app: Any, context: Context) -> None:  # noqa: ANN401 - a Dash app
    """Add the API to a Dash app's server; its OpenAPI describes these routes and no other."""
    server: FastAPI = app.server
    api = router(context)
    described = get_openapi(
        title="Puente",
        version="1",
        summary="Freight across the US-Mexico border: shipments, events and alerts.",
        routes=api.routes,
    )

    def openapi() -> Any:  # noqa: ANN401 - JSON
        return JSONResponse(described)

    def unknown(rest: str) -> Any:  # noqa: ANN401 - JSON
        return _problem(404, f"no /api/{rest}; see {PREFIX}/openapi.json")

    api.add_api_route("/openapi.json", openapi, include_in_schema=False)
    server.include_router(api)
    methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    server.add_api_route("/api/{rest:path}", unknown, methods=methods, include_in_schema=False)
