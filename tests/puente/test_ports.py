import socket

import pytest

from puente import ports
from puente.ports import PortTaken


def test_a_taken_port_that_was_asked_for_is_an_error_that_names_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert ports.answers(port)
        with pytest.raises(PortTaken, match=rf"port {port} for the dashboard .* with --port"):
            ports.choose(port, asked=True, purpose="the dashboard", setting="--port or PORT")


def test_a_taken_default_makes_way_for_the_next_free_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        chosen = ports.choose(port, asked=False, purpose="", setting="")
        assert chosen != port
        assert ports.is_free(chosen)


def test_a_free_port_is_taken_as_asked_and_zero_is_any() -> None:
    port = ports.any_free()
    assert ports.choose(port, asked=True, purpose="", setting="") == port
    assert ports.choose(0, asked=True, purpose="", setting="") > 0
    assert not ports.answers(port)
