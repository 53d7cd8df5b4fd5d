"""Parameters that OpenAI's clients send, in Anthropic's words. Source: Anthropic's API versions, rate limit and web search pages."""

import re
from decimal import Decimal

from tianji_core.calls.chat import ChatRequest, Json
from tianji_core.calls.deployment import Deployment
from tianji_core.calls.http import Headers, header
from tianji_core.dialects.anthropic_messages.generations import Generation
from tianji_core.dialects.anthropic_messages.parts import DIALECT
from tianji_core.dialects.anthropic_messages.thinking import Plan
from tianji_core.translation.parameters import Dropping

VERSION_WITHOUT_SAMPLING = "2026-10-21"

SAMPLING = ("temperature", "top_p", "top_k")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_PHONE = re.compile(r"\+?[\d\s().-]{7,}")
_TIERS = {"auto": "auto", "default": "standard_only", "standard_only": "standard_only"}
_SEARCHES = {"low": 1, "medium": 5, "high": 10}


def put_parameters(body: dict[str, object], request: ChatRequest, deployment: Deployment, dropping: Dropping, *, own: bool) -> None:
    """Put what every request may say beside messages, tools and thinking.

    Raises:
        UnsupportedParameterError: there is no word for a parameter and the deployment's mode is `refuse`.
    """
    stop = list(request.stop) if own else [text for text in request.stop if text.strip()]
    if stop:
        body["stop_sequences"] = stop
    if request.end_user is not None and (own or not _is_personal(request.end_user)):
        body["metadata"] = {"user_id": request.end_user}
    for name, value in request.parameters.items():
        if name in SAMPLING or name == "web_search_options":
            continue
        if name == "service_tier" and (own or value in _TIERS):
            body[name] = value if own else _TIERS[str(value)]
        elif name in deployment.allowed_parameters:
            body[name] = value
        else:
            dropping.unsupported(name, value)


def _is_personal(user: str) -> bool:
    """Anthropic wants no e-mail address and no phone number here."""
    return bool(_EMAIL.fullmatch(user.strip()) or _PHONE.fullmatch(user.strip()))


def put_sampling(
    body: dict[str, object], request: ChatRequest, generation: Generation, plan: Plan, dropping: Dropping, *, version: str
) -> None:
    """Put temperature and the like, where API version, model and thinking allow them; `version` is the `anthropic-version` sent."""
    own = request.dialect == DIALECT
    for name in SAMPLING:
        value = request.parameters.get(name)
        if value is None:
            continue
        if leaves_out_sampling(version, request.forward_headers if own else ()):
            note_sampling(name, value, dropping)
        elif own:
            body[name] = value
        elif generation.refuses_sampling or (plan.is_on and name != "top_p"):
            dropping.unsupported(name, value, "this model does not take it" if generation.refuses_sampling else "not while it thinks")
        elif name == "temperature" and isinstance(value, int | Decimal) and value > 1:
            dropping.unsupported(name, value, "it is at most 1 here")
            body[name] = 1
        else:
            body[name] = value


def leaves_out_sampling(version: str, forwarded: Headers) -> bool:
    """Whether the operator's API version has no sampling parameters; a client of this dialect that chose the version knows."""
    return version == VERSION_WITHOUT_SAMPLING and header(forwarded, "anthropic-version") is None


def note_sampling(name: str, value: object, dropping: Dropping) -> None:
    """Name a sampling parameter that is left out, unless it said nothing."""
    if (name, value) != ("temperature", 1):
        dropping.note(name)


def web_search(options: Json) -> Json:
    """Return OpenAI's web search options as the tool that Anthropic runs."""
    tool: dict[str, object] = {"type": "web_search_20250305", "name": "web_search"}
    size, place = options.get("search_context_size"), options.get("user_location")
    if isinstance(size, str) and size in _SEARCHES:
        tool["max_uses"] = _SEARCHES[size]
    if isinstance(place, dict):
        inner = place.get("approximate")
        tool["user_location"] = {"type": "approximate", **(inner if isinstance(inner, dict) else place)}
    return tool
