"""Where a server of this dialect listens. People write base URLs in every form; all of them are accepted."""

_OPERATIONS = ("/messages/count_tokens", "/messages")
_VERSION = "/v1"


def operation_url(base_url: str, operation: str) -> str:
    """Return the URL of an operation (`/messages`).

    `base_url` may end in a slash, may or may not end in `/v1`, may be the full path of an operation, and may hold a query.
    """
    address, question, query = base_url.partition("?")
    address = address.rstrip("/")
    for known in _OPERATIONS:
        if address.endswith(known):
            address = address.removesuffix(known).rstrip("/")
            break
    if not address.endswith(_VERSION):
        address += _VERSION
    return address + operation + question + query
