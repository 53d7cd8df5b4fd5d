"""HTTP/2 scripts for the fault server: just enough of a server to answer, stall and break."""

import h2.config
import h2.connection
import h2.events

from support.fault_server import Peer, Script


def http2_answering(body: bytes, *, finish: bool = True) -> Script:
    """Answer each stream with this body; without `finish`, leave the stream open."""

    async def script(peer: Peer) -> None:
        machine = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
        machine.initiate_connection()
        await peer.send(machine.data_to_send())
        while True:
            for event in machine.receive_data(await peer.stream.receive()):
                if isinstance(event, h2.events.StreamEnded) and event.stream_id is not None:
                    peer.requests.append(b"HTTP/2")
                    peer.asked.set()
                    machine.send_headers(event.stream_id, [(":status", "200"), ("x-version", "2")])
                    machine.send_data(event.stream_id, body, end_stream=finish)
            await peer.send(machine.data_to_send())

    return script


def http2_dying_at_request(number: int) -> Script:
    """Answer well until the request of that number, from 1; then close."""

    async def script(peer: Peer) -> None:
        machine = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
        machine.initiate_connection()
        await peer.send(machine.data_to_send())
        seen = 0
        while seen < number:
            for event in machine.receive_data(await peer.stream.receive()):
                if isinstance(event, h2.events.StreamEnded) and event.stream_id is not None:
                    seen += 1
                    if seen < number:
                        machine.send_headers(event.stream_id, [(":status", "200")])
                        machine.send_data(event.stream_id, b"well", end_stream=True)
            await peer.send(machine.data_to_send())

    return script
