import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest

from puente import keys, ports, readiness
from puente.instant import SECOND
from puente.launch import RedisWatch
from puente.row import Row
from puente.store.connection import Store, connect
from puente.store.packing import pack

NOW = 1_800_000_000_000
AWAY = "redis://127.0.0.1:1/0"


def write_gateway(store: Store, connected: bool, beat_at: int) -> None:
    said = {"connected": str(int(connected)), "beat_at": str(beat_at), "broker": "b"}
    store.client.hset(keys.GATEWAY_STATUS(), mapping=said)


@pytest.mark.redis
@pytest.mark.parametrize(
    ("connected", "age_ms", "rate", "fresh"),
    [
        pytest.param(True, 0, 1.0, True, id="just now"),
        pytest.param(True, 11 * SECOND, 1.0, False, id="too long ago"),
        pytest.param(True, 11 * SECOND, 60.0, True, id="not long ago on a fast clock"),
        pytest.param(False, 0, 1.0, False, id="without its broker"),
    ],
)
def test_a_gateway_is_fresh_when_it_is_connected_and_said_so_lately(
    store: Store, connected: bool, age_ms: int, rate: float, fresh: bool
) -> None:
    assert not readiness.gateway_is_fresh(store, NOW, rate)
    write_gateway(store, connected, NOW - age_ms)
    assert readiness.gateway_is_fresh(store, NOW, rate) is fresh


@pytest.mark.redis
def test_the_engine_is_as_fresh_as_its_oldest_partition(store: Store) -> None:
    assert not readiness.engine_is_fresh(store, NOW, 1.0)
    for partition, age_ms in ((0, 0), (1, 9 * SECOND)):
        committed = {"committed_at": str(NOW - age_ms)}
        store.client.hset(keys.STATUS(pNN=partition), mapping=committed)
    assert readiness.engine_is_fresh(store, NOW, 1.0)
    assert not readiness.engine_is_fresh(store, NOW + 2 * SECOND, 1.0)


@pytest.mark.redis
def test_history_is_no_live_fix(store: Store) -> None:
    row = Row(id="S", lat_deg=27.5, lon_deg=-99.5, fix_at=NOW, fix_received_at=NOW + 5)
    store.client.hset(keys.ROWS(pNN=3), "S", pack(row))
    assert readiness.has_live_fix(store, NOW)
    assert not readiness.has_live_fix(store, NOW + 1)


def test_nothing_is_ready_while_redis_is_away() -> None:
    store = connect(AWAY)
    assert not readiness.gateway_is_fresh(store, NOW, 1.0)
    assert not readiness.engine_is_fresh(store, NOW, 1.0)
    assert not readiness.has_live_fix(store, NOW)


@pytest.mark.redis
def test_a_redis_is_asked_and_not_only_looked_at(redis_url: str) -> None:
    port = urlsplit(redis_url).port or 0
    assert readiness.redis_answers(port)
    assert not readiness.redis_answers(1)
    watch = RedisWatch(port)
    assert [watch.poll(now_s) for now_s in (100.0, 104.0, 105.0)] == [True, None, True]


@contextmanager
def serving(status: int, body: bytes) -> Iterator[int]:
    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("status", "body", "answers"),
    [
        (200, json.dumps({"status": "live"}).encode(), True),
        (503, json.dumps({"status": "not_live"}).encode(), False),
        (200, b"<html>somebody else</html>", False),
        (200, b"[]", False),
    ],
)
def test_the_dashboard_answers_when_it_says_so_itself(
    status: int, body: bytes, answers: bool
) -> None:
    with serving(status, body) as port:
        assert readiness.dashboard_answers("127.0.0.1", port) is answers


def test_a_dashboard_that_is_not_there_does_not_answer() -> None:
    assert not readiness.dashboard_answers("127.0.0.1", ports.any_free())
