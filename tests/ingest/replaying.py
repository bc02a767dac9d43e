"""Run lines through a replay in memory."""

import io
import json
from collections.abc import Iterable
from typing import Any

from ingest.replay import round_floats, run
from puente.instant import Instant
from puente.plan import Plan


def run_lines(
    plan: Plan, lines: Iterable[object], end_at: Instant | None = None
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return what a replay of these lines writes, and its summary; a text is a line as it is."""
    raw = [
        item.encode("latin-1") if isinstance(item, str) else json.dumps(item).encode()
        for item in lines
    ]
    output = io.BytesIO()
    done = run(plan, raw, output, end_at)
    events = [json.loads(one) for one in output.getvalue().splitlines()]
    return events, round_floats(done.summary())
