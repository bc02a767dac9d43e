"""What the connection promises: no retries of its own, and one kind of error."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from puente import keys
from puente.model import Reject, Rejection
from puente.store import alerts, devices, events, leases, live, log, plans, states, tracks
from puente.store.alerts import Write
from puente.store.connection import Store, StoreUnavailable, connect
from puente.triage import fold
from tests.store.samples import NOW, SETTINGS, commit_from, event, own, reading

pytestmark = pytest.mark.redis


class CuttingProxy:
    """Passes bytes on; when told, lets the next request through and cuts its reply."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self.cuts = 0
        self.cut_done = 0
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def close(self) -> None:
        # Closing alone does not wake a thread that accepts.
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._accepting.join(5)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._target))
            for source, target, replies in ((client, server, False), (server, client, True)):
                threading.Thread(
                    target=self._pump, args=(source, target, replies), daemon=True
                ).start()

    def _pump(self, source: socket.socket, target: socket.socket, replies: bool) -> None:
        with contextlib.suppress(OSError):
            while chunk := source.recv(65536):
                if replies and self.cuts:
                    self.cuts -= 1
                    self.cut_done += 1
                    break
                target.sendall(chunk)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


@pytest.fixture
def proxy(redis_url: str) -> Iterator[CuttingProxy]:
    port = urlsplit(redis_url).port
    assert port is not None
    made = CuttingProxy(port)
    yield made
    made.close()


@pytest.fixture
def through(proxy: CuttingProxy, store: Store) -> Iterator[Store]:
    """A store whose replies can be cut; the scripts are loaded, the connection is open."""
    made = connect(f"redis://127.0.0.1:{proxy.port}/0")
    log.append(made, {1: [reading(0)]}, SETTINGS)
    states.commit(made, commit_from(2, own(made, 2)))
    yield made
    made.close()


def test_a_write_whose_reply_is_cut_was_written_once_and_is_told(
    store: Store, through: Store, proxy: CuttingProxy
) -> None:
    proxy.cuts = 1
    with pytest.raises(StoreUnavailable):
        through.client.xadd(keys.LOG(pNN=7), {"k": "h", "b": "1"})
    assert proxy.cut_done == 1
    assert store.client.xlen(keys.LOG(pNN=7)) == 1


def test_a_pipeline_whose_reply_is_cut_was_written_once_and_is_told(
    store: Store, through: Store, proxy: CuttingProxy
) -> None:
    proxy.cuts = 1
    with pytest.raises(StoreUnavailable):
        log.beat(through, NOW)
    assert store.client.xlen(keys.LOG(pNN=7)) == 1


def test_an_append_whose_reply_is_cut_is_mended_by_sending_again(
    store: Store, through: Store, proxy: CuttingProxy
) -> None:
    batch = {7: [reading(1), reading(2)]}
    proxy.cuts = 1
    with pytest.raises(StoreUnavailable):
        log.append(through, batch, SETTINGS)
    log.append(through, batch, SETTINGS)
    assert store.client.xlen(keys.LOG(pNN=7)) == 2


def test_a_commit_whose_reply_is_cut_is_done_when_it_is_sent_again(
    store: Store, through: Store, proxy: CuttingProxy
) -> None:
    wanted = commit_from(3, own(store, 3))
    wanted.events([event()])
    proxy.cuts = 1
    with pytest.raises(StoreUnavailable):
        states.commit(through, wanted)
    assert states.commit(through, wanted)
    assert store.client.xlen(keys.EVENTS(pNN=3)) == 1


def test_an_owner_whose_reply_was_cut_gets_its_lease_at_once(
    through: Store, proxy: CuttingProxy
) -> None:
    names = leases.lease_keys(keys.LEASE, keys.FENCING, pNN=9)
    proxy.cuts = 1
    with pytest.raises(StoreUnavailable):
        leases.renew(through, names, "engine-1")
    assert leases.renew(through, names, "engine-1") is not None


def test_scripts_survive_a_server_that_forgot_them(store: Store) -> None:
    log.append(store, {1: [reading(1)]}, SETTINGS)
    token = own(store, 1)
    store.client.script_flush()
    assert log.append(store, {1: [reading(1)]}, SETTINGS) == {1: [log.DUPLICATE]}
    store.client.script_flush()
    assert states.commit(store, commit_from(1, token))


def test_without_a_server_every_function_says_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    away = connect(f"redis://127.0.0.1:{port}/0")
    raised = fold(None, event())
    assert raised is not None
    calls = [
        lambda: log.append(away, {1: [reading(1)]}, SETTINGS),
        lambda: log.beat(away, NOW),
        lambda: log.read(away, {1: "0-0"}, 1),
        lambda: devices.note_devices(away, [devices.DeviceNote("D1")], 1),
        lambda: devices.store_rejections(away, [Rejection(rejection=Reject.NOT_JSON, detail="")]),
        lambda: devices.list_devices(away),
        lambda: live.load_rows(away),
        lambda: live.read_status(away),
        lambda: tracks.read_track(away, "S1"),
        lambda: events.read_events(away),
        lambda: plans.plan_version(away),
        lambda: alerts.open_alerts(away),
        lambda: alerts.write(away, [Write(raised, 0, ())]),
        lambda: states.commit(away, commit_from(1, "t")),
        lambda: own(away, 1),
    ]
    for call in calls:
        with pytest.raises(StoreUnavailable):
            call()
    assert not away.ping()
    away.close()


def test_a_server_that_refuses_for_lack_of_memory_has_written_nothing(store: Store) -> None:
    token = own(store, 1)
    log.append(store, {1: [reading(0)]}, SETTINGS)
    wanted = commit_from(1, token)
    wanted.state("S1", b"x")
    wanted.events([event()])
    try:
        store.client.config_set("maxmemory", "1")
        with pytest.raises(StoreUnavailable):
            states.commit(store, wanted)
        with pytest.raises(StoreUnavailable):
            log.append(store, {1: [reading(1)]}, SETTINGS)
    finally:
        store.client.config_set("maxmemory", "0")
    assert store.client.xlen(keys.EVENTS(pNN=1)) == 0
    assert states.load_offsets(store, 1) == states.Offsets()
    assert log.append(store, {1: [reading(1)]}, SETTINGS) == {1: [log.APPENDED]}
    assert states.commit(store, wanted)
