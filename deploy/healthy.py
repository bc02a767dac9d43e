"""Health checks of the containers: `healthy.py gateway|engine|desk|dashboard`, exit code 0 or 1.

A process that runs is not healthy because it runs: the gateway must be connected to the broker,
every partition committed lately, the desk have given a sign of life, the pages be live.
"""

import sys
import urllib.request
from collections.abc import Callable
from typing import cast

from puente import keys, readiness, settings
from puente.settings import Settings
from puente.store.connection import Store, StoreUnavailable, connect


def gateway(store: Store, loaded: Settings) -> bool:
    """Tell whether the gateway hears the broker."""
    return readiness.gateway_is_fresh(store, loaded.clock.now(), loaded.clock_rate)


def engine(store: Store, loaded: Settings) -> bool:
    """Tell whether every partition was committed lately."""
    return readiness.engine_is_fresh(store, loaded.clock.now(), loaded.clock_rate)


def desk(store: Store, loaded: Settings) -> bool:
    """Tell whether a desk works on the events."""
    beat_at = cast("bytes | None", store.client.hget(keys.DESK_STATUS(), "beat_at"))
    age_ms = loaded.clock.now() - int(beat_at or 0)
    return age_ms <= readiness.FRESH_MS * max(1, loaded.clock_rate)


def dashboard(store: Store, loaded: Settings) -> bool:
    """Tell whether the pages show what is true: /healthz answers 503 when they do not."""
    del store
    url = f"http://127.0.0.1:{loaded.port}/healthz"
    with urllib.request.urlopen(url, timeout=3) as answer:
        return bool(answer.status == 200)


CHECKS: dict[str, Callable[[Store, Settings], bool]] = {
    check.__name__: check for check in (gateway, engine, desk, dashboard)
}


def main() -> int:
    """Check what the first argument names."""
    loaded = settings.load()
    try:
        return 0 if CHECKS[sys.argv[1]](connect(loaded.redis_url), loaded) else 1
    except (OSError, StoreUnavailable):
        return 1


if __name__ == "__main__":
    sys.exit(main())
