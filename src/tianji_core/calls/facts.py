"""What a codec needs to know about the call it translates and cannot make up: the core has no clock and no randomness."""

import msgspec


class CallFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Identity and time of one client request.

    Attributes:
        call_id: UUIDv7 text, made by the app; also the seed of every identifier that a provider left out.
        created: Unix seconds at the call's start.
    """

    call_id: str
    created: int
