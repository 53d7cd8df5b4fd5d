"""Binding, and closing without sending away who was let in."""

import socket
import threading
from collections.abc import Iterator

import pytest

from tianji_adapters.http_server.listener import is_readable, let_nobody_in, listen
from tianji_core.errors import ConfigurationError


@pytest.fixture
def bound() -> Iterator[socket.socket]:
    listener = listen("127.0.0.1", 0)
    listener.socket.listen(16)
    with listener.socket:
        yield listener.socket


def test_free_port_is_taken_and_shown() -> None:
    listener = listen("127.0.0.1", 0)
    with listener.socket:
        assert listener.url == f"http://127.0.0.1:{listener.socket.getsockname()[1]}"


def test_address_in_use_is_an_error_that_says_what_to_do(bound: socket.socket) -> None:
    with pytest.raises(ConfigurationError, match="cannot be listened on") as raised:
        listen("127.0.0.1", bound.getsockname()[1])
    assert "--port" in str(raised.value.hint)


def test_port_can_be_taken_again_while_connections_of_the_one_before_are_open(bound: socket.socket) -> None:
    address = bound.getsockname()
    with socket.create_connection(address) as client, bound.accept()[0] as server:
        bound.close()
        with listen(*address).socket as again:
            again.listen()
        server.sendall(b"still here")
        assert client.recv(10) == b"still here"


@pytest.mark.promise("graceful-shutdown")
def test_who_was_let_in_can_be_accepted_and_served_and_nobody_else_gets_in(bound: socket.socket) -> None:
    address = bound.getsockname()
    with socket.create_connection(address) as client:
        let_nobody_in(bound)
        refused: list[OSError] = []

        def come_late() -> None:
            try:
                socket.create_connection(address, timeout=20).close()
            except OSError as error:
                refused.append(error)

        late = threading.Thread(target=come_late)
        late.start()
        client.sendall(b"a request")
        assert is_readable(bound)
        with bound.accept()[0] as server:
            assert not is_readable(bound)
            bound.settimeout(0.2)
            with pytest.raises(TimeoutError):
                bound.accept()
            bound.close()
            assert server.recv(20) == b"a request"
            server.sendall(b"an answer")
            assert client.recv(20) == b"an answer"
        late.join()
    assert [type(error) for error in refused] == [ConnectionRefusedError]


def test_system_without_such_a_filter_is_no_error() -> None:
    closed = socket.socket()
    closed.close()
    let_nobody_in(closed)
    assert closed.fileno() == -1
