"""Who is at the other end of the connection."""

from typing import Any


def client_ip(scope: Any) -> str | None:
    """Return the peer's address. Headers that a proxy may have set are not believed: nothing is configured that would allow it."""
    client = scope.get("client")
    return str(client[0]) if client else None
