"""Every Redis key: pattern, type, value, writer, lifetime and one line of why.

All keys of a partition carry one hash tag, so that a script sees them together on one node of a
cluster. docs/redis.md is generated from this table, and a test compares a running system's keys
with it: a key that is not here does not exist.
"""

import re
import zlib
from dataclasses import dataclass

PARTITIONS = 16
"""Fixed at the first start of a store; see `puente.store.meta`."""


@dataclass(frozen=True)
class Key:
    """One family of keys. `<...>` in the pattern is a parameter, `{...}` the hash tag."""

    pattern: str
    type: str
    value: str
    writer: str
    lifetime: str
    why: str

    def __call__(self, **parameters: str | int) -> str:
        """Build one key; every parameter of the pattern must be given."""
        return _PARAMETER.sub(lambda m: _fill(m.group(1), parameters), self.pattern)

    def matches(self, key: str) -> bool:
        """Tell whether a key in Redis belongs to this family."""
        parts = _PARAMETER.split(self.pattern)
        regex = "".join(
            re.escape(part) if i % 2 == 0 else (r"p\d\d" if part == "pNN" else ".+")
            for i, part in enumerate(parts)
        )
        return re.fullmatch(regex, key) is not None


_PARAMETER = re.compile(r"<(\w+)>")


def _fill(name: str, parameters: dict[str, str | int]) -> str:
    value = parameters[name]
    return f"p{value:02d}" if name == "pNN" and isinstance(value, int) else str(value)


META = Key(
    "{meta}:layout",
    "hash",
    "partitions, created_at, schema",
    "whoever starts first",
    "for ever",
    "a store made for another layout is refused at start instead of being half read",
)
PLAN_VERSION = Key(
    "{plan}:version",
    "string",
    "number of the newest plan",
    "puente load",
    "for ever",
    "processes see that the plan changed without reading it",
)
PLAN_DOCUMENTS = Key(
    "{plan}:documents",
    "hash",
    "version -> plan as zlib-compressed JSON",
    "puente load",
    "the newest 50 versions",
    "a replay of the log sees the plan that was in force",
)
LOG = Key(
    "{<pNN>}:log",
    "stream",
    "k, b: readings, heartbeats, plan changes and moved readings in order of arrival",
    "gateway, puente load",
    "below the committed offset and past LOG_RETENTION_H",
    "PUBACK means on disk here; everything behind it can be replayed",
)
LATE = Key(
    "{<pNN>}:late",
    "stream",
    "k, b: readings older than 10 minutes on arrival",
    "gateway",
    "below the committed offset and past LOG_RETENTION_H",
    "a backfill waits here, so that it never delays the living",
)
SEEN = Key(
    "{<pNN>}:seen:<device>",
    "hash",
    "b:<boot> -> ranges of seq; <boot>.<seq> -> hash of one of the newest 128 readings",
    "gateway, engine",
    "DEVICE_RETENTION_D after the last reading",
    "redelivery, replay and resends of numbered readings append nothing twice",
)
IDENTITIES = Key(
    "{<pNN>}:identities:<device>",
    "sorted set",
    "received_at -> identity of a reading without a number",
    "gateway, engine",
    "IDENTITY_RETENTION_H",
    "the same for devices that do not number",
)
LEASE = Key(
    "{<pNN>}:lease",
    "string",
    "token of the engine that owns the partition",
    "engine",
    "expires 8 s after the last renewal",
    "one owner folds a partition; the commit checks it",
)
FENCING = Key(
    "{<pNN>}:fencing",
    "string",
    "counter of owners",
    "engine",
    "for ever",
    "an owner that lost its lease can never commit again",
)
OFFSET = Key(
    "{<pNN>}:offset",
    "hash",
    "log, late: id of the last entry that is in the state",
    "engine",
    "for ever",
    "committed together with the state, so a crash counts nothing twice",
)
STATE = Key(
    "{<pNN>}:state",
    "hash",
    "subject -> packed fold state",
    "engine",
    "while the subject is kept",
    "what the fold continues from after a restart",
)
ROWS = Key(
    "{<pNN>}:rows",
    "hash",
    "subject -> packed live row",
    "engine",
    "while the subject is kept",
    "the dashboard loads all rows once, then follows the changes",
)
CHANGES = Key(
    "{<pNN>}:changes",
    "stream",
    "r: changed rows of one commit",
    "engine",
    "newest 2,000 commits",
    "one small entry a commit instead of one notification a truck",
)
EVENTS = Key(
    "{<pNN>}:events",
    "stream",
    "e: one event as JSON",
    "engine",
    "below the desk's offset and past EVENT_RETENTION_H",
    "the desk and the API read decisions here",
)
HISTORY = Key(
    "{<pNN>}:history:<subject>",
    "sorted set",
    "learned_at -> event as JSON",
    "engine",
    "EVENT_RETENTION_H",
    "the events of one shipment without reading everybody's",
)
TRACK = Key(
    "{<pNN>}:track:<subject>",
    "sorted set",
    "device time -> packed reading",
    "engine",
    "until it moves into a block, an hour or more later",
    "the newest readings, in truth order",
)
BLOCKS = Key(
    "{<pNN>}:blocks:<subject>",
    "hash",
    "hour -> compressed readings",
    "engine",
    "TRACK_RETENTION_H",
    "older readings at a few dozen bytes each",
)
CHECKPOINTS = Key(
    "{<pNN>}:checkpoints:<subject>",
    "hash",
    "hour -> packed truth state before it",
    "engine",
    "the late window",
    "where the fold goes back to when a late reading arrives",
)
STATUS = Key(
    "{<pNN>}:status",
    "hash",
    "clock, committed_at, readings, events, outage",
    "engine",
    "for ever",
    "how old what the dashboard shows is, per partition",
)
DEVICE = Key(
    "{d:<device>}",
    "hash",
    "last_at, last_received_at, boot:<n> ranges, counters",
    "gateway",
    "DEVICE_RETENTION_D after the last reading",
    "what arrived of a device, and its watermark",
)
GATEWAY_STATUS = Key(
    "{gateway}:status",
    "hash",
    "beat_at, broker, connected, received, appended",
    "gateway",
    "for ever",
    "freshness and the servers found, for /healthz and the footer",
)
GATEWAY_COUNTS = Key(
    "{gateway}:counts",
    "hash",
    "reason or counter -> number",
    "gateway",
    "for ever",
    "bad input is counted by reason",
)
REJECTIONS = Key(
    "{gateway}:rejections",
    "stream",
    "j: rejection as JSON",
    "gateway",
    "newest 5,000",
    "bad input is kept where a person can see it",
)
DEVICES = Key(
    "{gateway}:devices",
    "sorted set",
    "device -> last received_at",
    "gateway",
    "DEVICE_RETENTION_D after the last reading",
    "the list behind /devices",
)
DESK_LEASE = Key(
    "{desk}:lease",
    "string",
    "token of the active desk",
    "desk",
    "expires 8 s after the last renewal",
    "one desk is active, others stand by",
)
DESK_FENCING = Key(
    "{desk}:fencing",
    "string",
    "counter of active desks",
    "desk",
    "for ever",
    "a desk that lost its lease can never write again",
)
DESK_OFFSETS = Key(
    "{desk}:offsets",
    "hash",
    "partition -> id of the last event that is in the alerts",
    "desk",
    "for ever",
    "alert, audit entry and offset are one write",
)
ALERTS = Key(
    "{desk}:alerts",
    "hash",
    "alert id -> packed alert",
    "desk, dashboard actions",
    "ALERT_RETENTION_D after closing",
    "one alert per episode, never doubled",
)
REVISIONS = Key(
    "{desk}:revisions",
    "hash",
    "alert id -> revision",
    "desk, dashboard actions",
    "with the alert",
    "of two people acting at once exactly one wins",
)
OPEN_ALERTS = Key(
    "{desk}:open",
    "sorted set",
    "alert id -> learned_at",
    "desk, dashboard actions",
    "until closed",
    "the queue without reading history",
)
CLOSED_ALERTS = Key(
    "{desk}:closed",
    "sorted set",
    "alert id -> closed_at",
    "desk, dashboard actions",
    "ALERT_RETENTION_D after closing",
    "history by time of closing",
)
ALERT_CHANGES = Key(
    "{desk}:changes",
    "stream",
    "id: of the alert that changed",
    "desk, dashboard actions",
    "newest 5,000",
    "browsers hear of an alert within a second",
)
AUDIT = Key(
    "{desk}:audit",
    "stream",
    "alert, by, action, at, before, after, note",
    "desk, dashboard actions",
    "for ever",
    "who did what when, written with the change itself",
)
DESK_STATUS = Key(
    "{desk}:status",
    "hash",
    "beat_at",
    "desk",
    "for ever",
    "freshness for /healthz",
)

ALL: tuple[Key, ...] = tuple(value for value in list(globals().values()) if isinstance(value, Key))


def partition_of(subject: str) -> int:
    """Return the partition of a shipment, or of a device that no plan binds."""
    return zlib.crc32(subject.encode()) % PARTITIONS


UNBOUND = "~"
"""What a subject that is a device without a shipment begins with; no id may begin with it."""


def unbound_subject(device_id: str) -> str:
    """Name the subject under which an unassigned device's readings are kept."""
    return UNBOUND + device_id
