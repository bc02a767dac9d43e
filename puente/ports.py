"""Finding ports on loopback: the one that was asked for or none, else the next free one."""

import socket

_TRIES = 100


class PortTaken(RuntimeError):
    """A port that was asked for is in use; the message names it."""


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Tell whether a server could listen on a port now."""
    with socket.socket() as probe:
        # As servers do: a port in TIME_WAIT is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def answers(port: int, host: str = "127.0.0.1") -> bool:
    """Tell whether a server accepts connections on a port."""
    try:
        with socket.create_connection((host, port), timeout=1.0):
            return True
    except OSError:
        return False


def any_free(host: str = "127.0.0.1") -> int:
    """Return a port that nobody uses."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
    return port


def choose(
    port: int, *, asked: bool, purpose: str, setting: str, avoid: frozenset[int] = frozenset()
) -> int:
    """Return the port to use: 0 is any free one, a taken default makes way for the next.

    Raises:
        PortTaken: the port was asked for and is in use.
    """
    if port == 0:
        return any_free()
    if asked:
        if port not in avoid and is_free(port):
            return port
        raise PortTaken(
            f"port {port} for {purpose} is already in use; "
            f"stop what listens there, or choose another with {setting}"
        )
    candidates = range(port, min(port + _TRIES, 65_536))
    found = next((p for p in candidates if p not in avoid and is_free(p)), None)
    return any_free() if found is None else found
