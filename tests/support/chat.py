"""Small values for tests of chat codecs."""

from tianji_core.calls.chat import ChatRequest, Message, Text
from tianji_core.calls.deployment import Deployment, DeploymentId
from tianji_core.calls.facts import CallFacts
from tianji_core.calls.secret import Secret

FACTS = CallFacts(call_id="01936f6c-0000-7000-8000-000000000001", created=1768478400)


def deployment(provider: str = "openai", model: str = "gpt-4o", **changes: object) -> Deployment:
    """Return a deployment with a key."""
    values: dict[str, object] = {
        "id": DeploymentId("d1"),
        "group": "g",
        "provider": provider,
        "model": model,
        "auth_secret": Secret("sk-upstream"),
        **changes,
    }
    return Deployment(**values)  # type: ignore[arg-type]


def chat_request(**changes: object) -> ChatRequest:
    """Return a request with one user message."""
    values: dict[str, object] = {
        "dialect": "openai_chat",
        "model": "g",
        "messages": (Message(role="user", parts=(Text(text="hi"),), plain=True),),
        **changes,
    }
    return ChatRequest(**values)  # type: ignore[arg-type]
