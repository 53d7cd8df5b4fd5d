"""Where an OpenAI-compatible server listens. People write base URLs in every form; all of them are accepted."""

_OPERATIONS = ("/chat/completions", "/completions", "/embeddings")


def operation_url(base_url: str, operation: str, *, version: str | None = None) -> str:
    """Return the URL of an operation such as `/chat/completions`.

    `base_url` may end in a slash, may be the full path of an operation, and may hold a query (Azure's `api-version`). Where it has no
    path at all, `version` (`/v1`) is added; a provider whose API has none passes None.
    """
    address, question, query = base_url.partition("?")
    address = address.rstrip("/")
    for known in _OPERATIONS:
        if address.endswith(known):
            address = address.removesuffix(known)
            break
    if version and "/" not in address.partition("://")[2]:
        address += version
    return address + operation + question + query
