"""Host and Origin on HTTP and WebSocket, and addresses that others can reach."""

import asyncio
from dataclasses import replace

import pytest

from dashboard.security import Gate, OpenToOthers, Visitors, check_address, headers, open_to_others
from puente.settings import Settings

OURS = "127.0.0.1:8050"

MATRIX = [
    pytest.param("127.0.0.1", OURS, None, None, id="no origin"),
    pytest.param("127.0.0.1", OURS, f"http://{OURS}", None, id="own origin"),
    pytest.param("127.0.0.1", "localhost:8050", "http://localhost:8050", None, id="localhost"),
    pytest.param("127.0.0.1", "localhost:8050", f"http://{OURS}", None, id="two loopback names"),
    pytest.param("127.0.0.1", "[::1]:8050", "http://[::1]:8050", None, id="IPv6 loopback"),
    pytest.param("127.0.0.1", "127.0.0.1:9000", "http://127.0.0.1:9000", None, id="mapped port"),
    pytest.param("127.0.0.1", "evil.example:8050", None, 421, id="foreign name"),
    pytest.param("127.0.0.1", "127.0.0.1.evil.example", None, 421, id="name that looks alike"),
    pytest.param("127.0.0.1", "evil.example@127.0.0.1", None, 421, id="name behind an at sign"),
    pytest.param("127.0.0.1", None, None, 421, id="no host"),
    pytest.param("127.0.0.1", "", None, 421, id="empty host"),
    pytest.param("127.0.0.1", "127.0.0.1:port", None, 421, id="port that is none"),
    pytest.param("127.0.0.1", OURS, "https://evil.example", 403, id="foreign origin"),
    pytest.param("127.0.0.1", OURS, "null", 403, id="sandboxed origin"),
    pytest.param("127.0.0.1", OURS, "http://127.0.0.1:3000", 403, id="other local program"),
    pytest.param("127.0.0.1", OURS, "file://", 403, id="page from disk"),
    pytest.param("tower.lan", "tower.lan:8050", "http://tower.lan:8050", None, id="own name"),
    pytest.param("tower.lan", "tower.lan:8051", None, 421, id="own name, other port"),
    pytest.param("tower.lan", "evil.example:8050", None, 421, id="not the own name"),
    pytest.param("0.0.0.0", "10.1.2.3:8050", "http://10.1.2.3:8050", None, id="address"),
    pytest.param("0.0.0.0", "evil.example:8050", None, 421, id="rebound name"),
]  # fmt: skip


async def _app(scope, receive, send) -> None:  # noqa: ANN001
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"in"})


def visit(kind: str, settings_host: str, host: str | None, origin: str | None) -> list[dict]:
    gate = Gate(_app, Visitors(settings_host, 8050), headers(["'sha256-x'"]))
    sent: list[dict] = []
    given = [(b"host", host), (b"origin", origin)]
    scope = {
        "type": kind,
        "path": "/",
        "method": "GET",
        "headers": [(k, v.encode()) for k, v in given if v is not None],
    }

    async def receive() -> dict:
        return {"type": "websocket.connect" if kind == "websocket" else "http.request"}

    async def send(message: dict) -> None:
        sent.append(message)

    asyncio.run(gate(scope, receive, send))
    return sent


@pytest.mark.parametrize(("settings_host", "host", "origin", "refusal"), MATRIX)
def test_http_lets_in_only_our_own_name_and_origin(
    settings_host: str, host: str | None, origin: str | None, refusal: int | None
) -> None:
    sent = visit("http", settings_host, host, origin)
    assert sent[0]["status"] == (refusal or 200)


@pytest.mark.parametrize(("settings_host", "host", "origin", "refusal"), MATRIX)
def test_the_websocket_is_as_strict_as_http(
    settings_host: str, host: str | None, origin: str | None, refusal: int | None
) -> None:
    sent = visit("websocket", settings_host, host, origin)
    assert sent[0]["type"] == ("websocket.close" if refusal else "websocket.accept")


def test_two_host_headers_are_refused() -> None:
    assert not Visitors("127.0.0.1", 8050).knows_host("127.0.0.1:8050,evil.example")


def test_every_answer_carries_the_protecting_headers() -> None:
    given = dict(visit("http", "127.0.0.1", OURS, None)[0]["headers"])
    policy = given[b"content-security-policy"].decode()
    assert "default-src 'self'" in policy
    assert "script-src 'self' 'sha256-x';" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe-eval" not in policy
    assert given[b"x-content-type-options"] == b"nosniff"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.0.0.53"])
def test_loopback_needs_no_permission(host: str) -> None:
    settings = replace(Settings(), host=host)
    check_address(settings)
    assert not open_to_others(settings)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.5", "tower.lan"])
def test_another_address_needs_it_said_that_it_is_meant(host: str) -> None:
    with pytest.raises(OpenToOthers, match="ALLOW_UNAUTHENTICATED"):
        check_address(replace(Settings(), host=host))
    allowed = replace(Settings(), host=host, allow_unauthenticated=True)
    check_address(allowed)
    assert open_to_others(allowed)
