"""The head of a shipment's page: what is planned, and what is known now with its age."""

from typing import Any

from dash import dcc, html

from dashboard import text
from dashboard.components import badges, moments
from dashboard.components.alert_detail import position
from dashboard.safe_text import clean
from puente.instant import Instant
from puente.model import SealState
from puente.plan import Binding, CargoProfile, Place, Shipment
from puente.row import Row

_BROKEN = frozenset({SealState.TAMPERED, SealState.UNSEALED_UNAUTHORISED})


def heading(
    shipment: Shipment, state: str, state_words: str, place: str | None, crossing: str
) -> Any:  # noqa: ANN401 - a component
    """Name the shipment and the journey it is planned to make."""
    flags = [
        badges.flag("HIGH VALUE", "value") if shipment.high_value else None,
        badges.flag("FAST") if shipment.fast else None,
    ]
    return html.Div(
        [
            html.Div(
                [
                    html.H1(clean(shipment.id)),
                    html.Span(
                        [html.I(className="pg-dot"), state_words],
                        className=f"pg-vehicle pg-vehicle--{state}",
                    ),
                    html.Span(place, className="pg-muted") if place else None,
                    *flags,
                    dcc.Link("Show on the map", href=f"/?shipment={shipment.id}"),
                ],
                className="pg-row",
            ),
            html.Div(
                [
                    html.B(_name(shipment.origin, "origin not planned")),
                    html.Span("→", className="pg-muted"),
                    html.Span(clean(crossing) or "no crossing planned"),
                    html.Span("→", className="pg-muted"),
                    html.B(_name(shipment.destination, "destination not planned")),
                ],
                className="pg-row pg-journey",
            ),
        ],
        className="pg-shipment-heading",
    )


def _name(place: Place | None, otherwise: str) -> str:
    if place is None:
        return otherwise
    return clean(place.name, 80) or position(place.lat_deg, place.lon_deg)


def planned(shipment: Shipment) -> Any:  # noqa: ANN401 - a component
    """List what the plan says."""
    consignments = ", ".join(
        f"{clean(c.id, 40)} ({clean(c.customer, 60)})" if c.customer else clean(c.id, 40)
        for c in shipment.consignments
    )
    value = None if shipment.value_usd is None else f"{text.number(shipment.value_usd)} USD"
    lines: list[tuple[str, Any]] = [
        ("Departure", moments.stamp(shipment.planned_departure)),
        ("Arrival", moments.stamp(shipment.planned_arrival)),
        ("Carrier", clean(shipment.carrier) or text.UNKNOWN),
        ("Sector", clean(shipment.sector) or text.UNKNOWN),
        ("Cargo", clean(shipment.cargo_profile) or "no temperature profile"),
        ("Value", value or text.UNKNOWN),
        ("Goods", consignments or text.UNKNOWN),
        ("Route", clean(shipment.route) or "none: deviation is not watched"),
        ("Devices", _devices(shipment.devices)),
    ]
    return _list(lines)


def _devices(bindings: tuple[Binding, ...]) -> Any:  # noqa: ANN401
    if not bindings:
        return "none: nothing can be received"
    return html.Ul(
        [html.Li(f"{clean(b.device_id, 64)}, {b.role.value}{_period(b)}") for b in bindings],
        className="pg-plainlist",
    )


def _period(binding: Binding) -> str:
    if binding.from_at is None and binding.to_at is None:
        return ""
    begin = text.when(binding.from_at) if binding.from_at is not None else "the beginning"
    end = text.when(binding.to_at) if binding.to_at is not None else "further notice"
    return f", from {begin} until {end}"


def live(row: Row | None, profile: CargoProfile | None, where: str, now: Instant) -> Any:  # noqa: ANN401
    """Show what is known now; each fact with its own age, since each may be old by itself."""
    if row is None or not row.heard_at:
        return html.Div(
            [
                html.B("Nothing was received yet."),
                html.Span(
                    " Check that the devices below send, and that their ids are written as in "
                    "the plan. "
                ),
                dcc.Link("Devices", href="/devices"),
            ],
            className="pg-response",
        )
    tiles = [
        _fact("Last heard", moments.age(row.heard_at, now), None),
        _fact("Position", where, moments.age(row.fix_at, now, never="no fix yet")),
        _fact("Speed", text.speed(row.speed_mps), _standing(row, now)),
        _temperature(row, profile, now),
        _fact(
            "Seal",
            text.SEAL_WORDS[row.seal].capitalize(),
            None,
            alarm=row.seal in _BROKEN,
        ),
        _fact("Left", text.distance(row.remaining_m), _done(row)),
        _fact("Off route", text.distance(row.off_route_m), None),
        _fact("Battery", text.percent(row.battery_pct), None),
    ]
    return html.Div(tiles, className="pg-livefacts")


def _fact(name: str, value: Any, below: Any, *, alarm: bool = False) -> Any:  # noqa: ANN401
    return html.Div(
        [
            html.Span(name, className="pg-muted"),
            html.B(value, className="pg-alarm" if alarm else ""),
            html.Small(below) if below else None,
        ],
        className="pg-fact",
    )


def _standing(row: Row, now: Instant) -> Any:  # noqa: ANN401
    if row.stopped_since is None:
        return None
    return f"standing for {text.age((now - row.stopped_since) / 1000)}"


def _done(row: Row) -> str | None:
    return None if row.progress is None else f"{row.progress * 100:.0f} % done"


def _temperature(row: Row, profile: CargoProfile | None, now: Instant) -> Any:  # noqa: ANN401
    band = "no band planned"
    outside = False
    words = text.temperature(row.temperature_c)
    if profile is not None:
        band = f"band {profile.low_c:g} to {profile.high_c:g} °C"
        if row.temperature_c is not None:
            outside = not profile.low_c <= row.temperature_c <= profile.high_c
            words += (" ▲" if row.temperature_c > profile.high_c else " ▼") if outside else ""
    below = [band]
    if row.temperature_at is not None:
        below += [", ", moments.age(row.temperature_at, now)]
    return _fact("Temperature", words, below, alarm=outside)


def _list(lines: list[tuple[str, Any]]) -> Any:  # noqa: ANN401
    return html.Dl(
        [part for name, held in lines for part in (html.Dt(name), html.Dd(held))],
        className="pg-facts",
    )
