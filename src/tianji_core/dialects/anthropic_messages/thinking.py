"""How much a model may think, in the words that its generation takes. Source: Anthropic's pages on extended and adaptive thinking."""

import msgspec

from tianji_core.calls.chat import ChatRequest, Reasoning
from tianji_core.calls.deployment import Deployment
from tianji_core.dialects.anthropic_messages.generations import Generation
from tianji_core.dialects.anthropic_messages.history import replays_thinking
from tianji_core.dialects.anthropic_messages.parts import DIALECT
from tianji_core.translation.parameters import Dropping

LEAST_BUDGET = 1024
DEFAULT_TOKENS = 4096

_BUDGETS = {"minimal": 1024, "low": 1024, "medium": 2048, "high": 4096, "xhigh": 8192, "max": 16384}
_EFFORTS = {"minimal": "low", "low": "low", "medium": "medium", "high": "high", "xhigh": "xhigh", "max": "max"}


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """`thinking`, `output_config.effort` and `max_tokens` as they are sent."""

    max_tokens: int
    thinking: dict[str, object] | None = None
    effort: str | None = None

    @property
    def is_on(self) -> bool:
        """Whether the model is asked to think."""
        return self.thinking is not None and self.thinking.get("type") != "disabled"

    @property
    def has_budget(self) -> bool:
        """Whether it is the older kind of thinking, which allows no forced tool."""
        return self.thinking is not None and self.thinking.get("type") == "enabled"


def plan_thinking(request: ChatRequest, deployment: Deployment, generation: Generation, dropping: Dropping) -> Plan:
    """Return what is sent for the request's reasoning and output limit.

    Raises:
        UnsupportedParameterError: the model cannot think, or not so, and the deployment's mode is `refuse`.
    """
    known = deployment.max_output_tokens
    tokens = request.max_output_tokens if request.max_output_tokens is not None else known or DEFAULT_TOKENS
    reasoning = request.reasoning
    if reasoning is None:
        return Plan(max_tokens=tokens)
    if reasoning.mode is not None:
        if request.max_output_tokens is None and tokens <= (reasoning.budget_tokens or 0):
            tokens = (reasoning.budget_tokens or 0) + DEFAULT_TOKENS
        return _own_words(reasoning, tokens, generation)
    if request.dialect == DIALECT:
        return Plan(max_tokens=tokens, effort=reasoning.effort)
    if reasoning.effort == "none":
        return Plan(max_tokens=tokens)
    if reasoning.effort not in _EFFORTS or not generation.thinks:
        dropping.unsupported("reasoning_effort", reasoning.effort)
        return Plan(max_tokens=tokens)
    if generation.is_adaptive:
        effort = _EFFORTS[reasoning.effort]
        return _adaptive("high" if effort == "xhigh" and not generation.takes_xhigh else effort, tokens)
    return _budgeted(request, _BUDGETS[reasoning.effort], tokens, known, dropping)


def _own_words(reasoning: Reasoning, tokens: int, generation: Generation) -> Plan:
    """A wish in Anthropic's own words goes up as it is, save two that this model would refuse."""
    if reasoning.mode == "disabled" and generation.always_thinks:
        return Plan(max_tokens=tokens, effort=reasoning.effort)
    if reasoning.mode == "enabled" and generation.is_only_adaptive:
        return _adaptive(reasoning.effort or _effort_of(reasoning.budget_tokens or 0), tokens, reasoning)
    thinking: dict[str, object] = {"type": reasoning.mode}
    if reasoning.budget_tokens is not None:
        thinking["budget_tokens"] = reasoning.budget_tokens
    thinking.update(reasoning.rest.of(DIALECT) if reasoning.rest is not None else {})
    return Plan(max_tokens=tokens, thinking=thinking, effort=reasoning.effort)


def _effort_of(budget: int) -> str:
    for least, effort in ((8192, "xhigh"), (4096, "high"), (2048, "medium")):
        if budget >= least:
            return effort
    return "low"


def _adaptive(effort: str, tokens: int, reasoning: Reasoning | None = None) -> Plan:
    """Ask for summaries, since the newer models otherwise leave the thinking's text blank."""
    rest = reasoning.rest.of(DIALECT) if reasoning is not None and reasoning.rest is not None else {}
    return Plan(max_tokens=tokens, thinking={"type": "adaptive", "display": "summarized", **rest}, effort=effort)


def _budgeted(request: ChatRequest, budget: int, tokens: int, known: int | None, dropping: Dropping) -> Plan:
    if not replays_thinking(request.messages):  # the API refuses a tool's result whose call has lost its thinking
        dropping.note("reasoning_effort")
        return Plan(max_tokens=tokens)
    if budget >= tokens and request.max_output_tokens is None and known is None:
        tokens = budget + DEFAULT_TOKENS
    if budget >= tokens:
        budget = tokens - 1
    if budget < LEAST_BUDGET:
        dropping.note("reasoning_effort")
        return Plan(max_tokens=tokens)
    return Plan(max_tokens=tokens, thinking={"type": "enabled", "budget_tokens": budget})
