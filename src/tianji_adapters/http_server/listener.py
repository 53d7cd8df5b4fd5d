"""The listening socket: how it is bound, and how it is closed so that nobody who was let in is sent away."""

import ctypes
import select
import socket
import struct
from contextlib import suppress
from dataclasses import dataclass

from tianji_core.errors import ConfigurationError

_SO_ATTACH_FILTER = 26
_DROP_SYN = (
    (0x30, 0, 0, 13),  # load the byte of the TCP header that holds its flags
    (0x45, 0, 1, 0x02),  # is SYN among them?
    (0x06, 0, 0, 0),  # then drop the packet
    (0x06, 0, 0, 0xFFFFFFFF),  # else keep it whole
)


@dataclass(frozen=True, slots=True)
class Listener:
    """A bound socket and its address as a URL."""

    socket: socket.socket
    url: str


def listen(host: str, port: int) -> Listener:
    """Return a bound socket; port 0 takes a free one.

    Raises:
        ConfigurationError: the address cannot be used.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise ConfigurationError(
            f"{host}:{port} cannot be listened on: {error.strerror or error}", hint="choose another with --port or TIANJI_PORT"
        ) from error
    bound.set_inheritable(False)
    shown = f"[{host}]" if family == socket.AF_INET6 else host
    return Listener(bound, f"http://{shown}:{bound.getsockname()[1]}")


def is_readable(sock: socket.socket) -> bool:
    """Whether something waits to be taken: somebody who was let in and is not accepted yet, or bytes that are not read yet."""
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))


def let_nobody_in(listening: socket.socket) -> None:
    """Begin no more handshakes on a listening socket; those under way end, and can be accepted.

    A socket that is closed resets the connections that wait to be accepted, though their clients believe that they are connected. With this
    first, a client's attempt stays without an answer until the socket is closed, and is refused when it is repeated a second later.
    Where the system has no such filter nothing happens.

    Source: socket(7), SO_ATTACH_FILTER; the kernel's `networking/filter`, classic BPF over the TCP header.
    """
    code = b"".join(struct.pack("HBBI", *step) for step in _DROP_SYN)
    steps = ctypes.create_string_buffer(code, len(code))
    program = struct.pack("HxxxxxxP", len(_DROP_SYN), ctypes.addressof(steps))
    with suppress(OSError):
        listening.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)
