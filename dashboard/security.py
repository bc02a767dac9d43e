"""Who may talk to this server: Host and Origin are checked on HTTP and WebSocket alike.

There is no login yet, so the address is the fence. A page elsewhere could make a browser on this
machine send requests here: its Origin gives it away. A name that somebody else's DNS points at
this machine is caught by its Host.
"""

import ipaddress
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from puente.settings import Settings

LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})

UNAUTHENTICATED_WARNING = (
    "No login yet: anyone who can reach this address sees everything and can act on alerts."
)

_WS_POLICY_VIOLATION = 1008


class OpenToOthers(ValueError):
    """The address is not loopback and nobody said that this is meant."""


def is_loopback(host: str) -> bool:
    """Tell whether an address or name reaches only this machine."""
    if host in LOOPBACK_NAMES:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_address(settings: Settings) -> None:
    """Refuse to listen where others can reach us, unless that is explicitly wanted.

    Raises:
        OpenToOthers: the host is not loopback and ALLOW_UNAUTHENTICATED is not set.
    """
    if not is_loopback(settings.host) and not settings.allow_unauthenticated:
        raise OpenToOthers(
            f"HOST={settings.host} can be reached from other machines and there is no login yet; "
            "use 127.0.0.1, or set ALLOW_UNAUTHENTICATED=1 if the network is closed"
        )


def open_to_others(settings: Settings) -> bool:
    """Tell whether every page has to say that anyone may come in."""
    return settings.allow_unauthenticated and not is_loopback(settings.host)


class Visitors:
    """Decides by Host and Origin whether a request is meant for us."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host.lower().strip("[]")
        self._port = port
        self._any_address = self._host in ("0.0.0.0", "::")

    def knows_host(self, host: str | None) -> bool:
        """Tell whether a Host header names this server; a port may be mapped, a name may not."""
        name, port = _split(host)
        if name is None:
            return False
        if name in LOOPBACK_NAMES:
            return True
        if name == self._host:
            return port == self._port
        # Listening on all addresses: a literal address cannot be rebound by foreign DNS.
        return self._any_address and _is_address(name)

    def knows_origin(self, origin: str | None, host: str | None) -> bool:
        """Tell whether an Origin header is this server's own; programs send none."""
        if origin is None:
            return True
        parts = urlsplit(origin)
        if parts.scheme not in ("http", "https") or not self.knows_host(parts.netloc):
            return False
        own, own_port = _split(host)
        name, port = _split(parts.netloc, 443 if parts.scheme == "https" else 80)
        same_name = name == own or (name in LOOPBACK_NAMES and own in LOOPBACK_NAMES)
        return same_name and port == own_port


def _split(netloc: str | None, default_port: int = 80) -> tuple[str | None, int | None]:
    if not netloc or any(c in netloc for c in "/@ ,\\"):
        return None, None
    try:
        parts = urlsplit(f"//{netloc}")
        port = parts.port or default_port
    except ValueError:
        return None, None
    return parts.hostname or None, port


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def content_policy(script_hashes: Sequence[str]) -> str:
    """Write the Content-Security-Policy: everything from here, no inline script but ours.

    Styles are inline in the component libraries; MapLibre runs its worker from a blob.
    """
    return "; ".join(
        (
            "default-src 'self'",
            f"script-src 'self' {' '.join(script_hashes)}".rstrip(),
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "worker-src 'self' blob:",
            "connect-src 'self'",
            "object-src 'none'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
            "form-action 'self'",
        )
    )


class Gate:
    """ASGI middleware: turns away who is not meant, and adds the headers that protect pages."""

    def __init__(self, app: ASGIApp, visitors: Visitors, headers: Mapping[str, str]) -> None:
        self._app = app
        self._visitors = visitors
        self._headers = [(k.lower().encode(), v.encode()) for k, v in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        host, origin = _header(scope, b"host"), _header(scope, b"origin")
        if not self._visitors.knows_host(host):
            await _refuse(scope, receive, send, 421, "This server does not go by that name.")
        elif not self._visitors.knows_origin(origin, host):
            await _refuse(scope, receive, send, 403, "Requests from other sites are refused.")
        else:
            await self._app(scope, receive, self._protected(send))

    def _protected(self, send: Send) -> Send:
        async def wrapped(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = {name.lower() for name, _ in message.get("headers", ())}
                extra = [(k, v) for k, v in self._headers if k not in present]
                message = {**message, "headers": [*message.get("headers", ()), *extra]}
            await send(message)

        return wrapped


def _header(scope: Scope, name: bytes) -> str | None:
    values = [value for key, value in scope["headers"] if key == name]
    # Two Host or Origin headers are an attempt to be understood twice; no name fits both.
    return ",".join(v.decode("latin-1") for v in values) if values else None


async def _refuse(scope: Scope, receive: Receive, send: Send, code: int, why: str) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": _WS_POLICY_VIOLATION, "reason": why})
    else:
        await PlainTextResponse(why, status_code=code)(scope, receive, send)


def headers(script_hashes: Sequence[str]) -> dict[str, str]:
    """Return the headers every answer carries."""
    return {
        "Content-Security-Policy": content_policy(script_hashes),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "geolocation=(), camera=(), microphone=()",
    }
