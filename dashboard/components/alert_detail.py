"""One alert in full: what happened, what is expected of a person, and who did what about it."""

from collections.abc import Sequence
from typing import Any, Protocol

from dash import dcc, html

from dashboard import text
from dashboard.components import badges, evidence, moments
from dashboard.safe_text import clean
from puente.instant import Instant
from puente.triage import Alert, AlertState


class AuditLine(Protocol):
    """One line of the audit; `before` and `after` are states, `by` is `engine` or a name."""

    @property
    def at(self) -> Instant: ...  # noqa: D102
    @property
    def by(self) -> str: ...  # noqa: D102
    @property
    def action(self) -> str: ...  # noqa: D102
    @property
    def after(self) -> str: ...  # noqa: D102
    @property
    def note(self) -> str: ...  # noqa: D102


_AUDIT_WORDS = {
    "acknowledge": "acknowledged",
    "assign": "assigned",
    "comment": "commented",
    "close": "closed",
    "raise": "raised",
    "raised": "raised",
    "noted": "noted",
    "clear": "condition over",
    "cleared": "condition over",
    "retract": "retracted",
    "retracted": "retracted",
    "inherit": "taken over from the alert it replaces",
}


def detail(alert: Alert, audit: Sequence[AuditLine], now: Instant) -> Any:  # noqa: ANN401
    """Show an alert: heading, facts, what to do, evidence, history."""
    return html.Div(
        [
            _heading(alert),
            html.P(clean(alert.summary), className="pg-summary"),
            _response(alert, now),
            _facts(alert, now),
            html.H4("Evidence"),
            evidence.table(alert.evidence),
            html.H4("Comments"),
            _comments(alert),
            html.H4("History"),
            _history(audit),
        ],
        className="pg-detail",
    )


def _heading(alert: Alert) -> Any:  # noqa: ANN401
    return html.Div(
        [
            html.Div(
                [
                    badges.severity(alert.severity),
                    badges.alert_state(alert.state),
                    badges.late(alert.late, alert.learned_at - alert.occurred_at),
                ],
                className="pg-row",
            ),
            html.H2(clean(alert.title)),
            html.Div(
                [
                    dcc.Link(clean(alert.shipment_id), href=f"/shipments/{alert.shipment_id}"),
                    html.Span(clean(alert.kind), className="pg-kind"),
                    html.Span(clean(alert.subject), className="pg-muted", title="subject"),
                ],
                className="pg-row",
            ),
        ],
        className="pg-heading",
    )


def _response(alert: Alert, now: Instant) -> Any:  # noqa: ANN401
    if not alert.response and alert.respond_within_s is None:
        return None
    waiting = alert.respond_within_s is not None and not alert.state.acknowledged
    limit: list[Any] = []
    if alert.respond_within_s is not None:
        limit.append(f"within {text.age(alert.respond_within_s)}")
        if waiting:
            due_at = alert.learned_at + alert.respond_within_s * 1000
            limit += [" · ", moments.due(due_at, now)]
    return html.Div(
        [
            html.Div([html.B("What to do"), html.Span(limit)], className="pg-response-head"),
            html.Div(clean(alert.response) or "Look at the evidence and decide."),
        ],
        className="pg-response",
    )


def _facts(alert: Alert, now: Instant) -> Any:  # noqa: ANN401
    owner = alert.assigned_to or alert.acknowledged_by
    lines: list[tuple[str, Any]] = [
        ("Happened", [moments.stamp(alert.occurred_at), moments.age(alert.occurred_at, now)]),
        ("Learned", [moments.stamp(alert.learned_at), moments.age(alert.learned_at, now)]),
    ]
    if alert.cleared_at is not None:
        lines.append(("Over since", [moments.stamp(alert.cleared_at)]))
    lines += [
        ("Owner", html.B(clean(owner)) if owner else html.Span("nobody yet", className="pg-warn")),
        ("Device", clean(alert.device_id) or text.UNKNOWN),
        ("Where", _where(alert)),
    ]
    if alert.supersedes:
        lines.append(("Replaces", _alert_link(alert.supersedes)))
    if alert.superseded_by:
        lines.append(("Replaced by", _alert_link(alert.superseded_by)))
    return html.Dl(
        [part for name, held in lines for part in (html.Dt(name), html.Dd(held))],
        className="pg-facts",
    )


def _alert_link(alert_id: str) -> Any:  # noqa: ANN401
    return dcc.Link(clean(alert_id), href=f"/alerts/{alert_id}")


def _where(alert: Alert) -> Any:  # noqa: ANN401
    on_map = dcc.Link("Show on the map", href=f"/?alert={alert.id}")
    if alert.lat is None or alert.lon is None:
        return [html.Span("position not known ", className="pg-muted"), on_map]
    return [html.Span(position(alert.lat, alert.lon), className="pg-num"), " ", on_map]


def position(lat_deg: float, lon_deg: float) -> str:
    """Write a position with hemispheres, to about 10 m."""
    north = "N" if lat_deg >= 0 else "S"
    east = "E" if lon_deg >= 0 else "W"
    return f"{abs(lat_deg):.4f}° {north}, {abs(lon_deg):.4f}° {east}"


def _comments(alert: Alert) -> Any:  # noqa: ANN401
    if not alert.comments:
        return html.P("Nobody has said anything yet.", className="pg-muted")
    return html.Ol(
        [
            html.Li(
                [
                    html.Div(
                        [html.B(clean(c.by)), html.Span(moments.utc(c.at), className="pg-muted")],
                        className="pg-row",
                    ),
                    html.Div(clean(c.note, 4_000), className="pg-note"),
                ]
            )
            for c in alert.comments
        ],
        className="pg-comments",
    )


def _history(audit: Sequence[AuditLine]) -> Any:  # noqa: ANN401
    if not audit:
        return html.P("Nothing has happened since it was raised.", className="pg-muted")
    return html.Ol(
        [
            html.Li(
                [
                    html.Span(
                        moments.utc(entry.at),
                        className="pg-num pg-muted",
                        title=moments.local_times(entry.at),
                    ),
                    html.Span(
                        [
                            html.B("Puente" if entry.by == "engine" else clean(entry.by)),
                            f" {_AUDIT_WORDS.get(entry.action, clean(entry.action))}",
                            f" {clean(entry.note, 200)}" if entry.action == "assign" else "",
                        ]
                    ),
                    html.Span(_state_words(entry.after), className="pg-muted"),
                ]
            )
            for entry in audit
        ],
        className="pg-history",
    )


def _state_words(state: str) -> str:
    try:
        return text.ALERT_STATE_WORDS[AlertState(state)]
    except ValueError:
        return clean(state)
