"""Which header holds the caller's credential. Names as the OpenAI, Azure, Anthropic and Google clients and LiteLLM's proxy send them."""

from collections.abc import Sequence

from tianji_core.calls.http import Headers
from tianji_core.errors import AuthenticationError, InvalidRequestError

OWN_HEADERS = ("x-tianji-api-key", "x-litellm-api-key")
"""Two spellings of one header, which wins over every other."""

_VENDOR_HEADERS = ("api-key", "x-api-key", "x-goog-api-key", "ocp-apim-subscription-key")
_BEARER = "bearer "


def credential_of(headers: Headers, *, own_headers: Sequence[str] = OWN_HEADERS) -> str | None:
    """Return the text of the credential, or None where no header holds one.

    The first header present is the credential: our own (with or without `Bearer`), `Authorization: Bearer`, then the vendors'. If that
    one is bad, later ones are not tried.

    Args:
        headers: Lower-case names.
        own_headers: What stands first; `litellm_key_header_name` replaces it.

    Raises:
        InvalidRequestError: (`conflicting_credentials`) one header stands twice, or in both spellings, with different values.
        AuthenticationError: the value has control characters.
    """
    for names in (tuple(own_headers), ("authorization",), *((name,) for name in _VENDOR_HEADERS)):
        found = [text for text in (_text(name, value, own_headers) for name, value in headers if name in names) if text is not None]
        if len(set(found)) > 1:
            raise InvalidRequestError(
                f"the request has more than one credential in {' and '.join(f'`{name}`' for name in names)}",
                hint="send one",
                code="conflicting_credentials",
            )
        if found:
            return _printable(found[0])
    return None


def _text(name: str, value: str, own_headers: Sequence[str]) -> str | None:
    text = value.strip(" \t")
    is_bearer = text[: len(_BEARER)].lower() == _BEARER or text.lower() == _BEARER.strip()
    if name == "authorization":
        return text[len(_BEARER) :].strip(" \t") if is_bearer else None  # another scheme speaks to something in front of us
    return text[len(_BEARER) :].strip(" \t") if name in own_headers and is_bearer else text


def _printable(text: str) -> str:
    if any(character < " " or character == "\x7f" for character in text):
        raise AuthenticationError("the API key is malformed: it has control characters", hint="send it as `Authorization: Bearer sk-…`")
    return text
