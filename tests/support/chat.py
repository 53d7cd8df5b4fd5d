"""Small values for tests of chat codecs."""

from typing import Any

from tianji_core.calls.chat import ChatRequest, Message, Text
from tianji_core.calls.deployment import Deployment, DeploymentId
from tianji_core.calls.facts import CallFacts
from tianji_core.calls.secret import Secret

FACTS = CallFacts(call_id="01936f6c-0000-7000-8000-000000000001", created=1768478400)


def deployment(provider: str = "openai", model: str = "gpt-4o", **changes: Any) -> Deployment:
    """Return a deployment with a key."""
    values: dict[str, Any] = {
        "id": DeploymentId("d1"),
        "group": "g",
        "provider": provider,
        "model": model,
        "auth_secret": Secret("sk-upstream"),
        **changes,
    }
    return Deployment(**values)


def chat_request(**changes: Any) -> ChatRequest:
    """Return a request with one user message."""
    values: dict[str, Any] = {
        "dialect": "openai_chat",
        "model": "g",
        "messages": (Message(role="user", parts=(Text(text="hi"),), plain=True),),
        **changes,
    }
    return ChatRequest(**values)
