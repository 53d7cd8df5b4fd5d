"""The error of a stream that ended before its end: the same words in every dialect."""

from tianji_core.errors import UpstreamProtocolError


def cut_stream(provider: str) -> UpstreamProtocolError:
    """Return what to raise for a provider's stream without its final event."""
    return UpstreamProtocolError(
        f"{provider} ended the stream before its final event",
        hint="the answer is incomplete; it was billed as far as it came",
        provider=provider,
    )
