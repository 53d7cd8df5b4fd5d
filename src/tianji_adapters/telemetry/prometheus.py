"""Metrics for Prometheus: OpenTelemetry's `gen_ai_*` names, `tianji_*` for our own, and LiteLLM's where its dashboards are in use.

Sources: OpenTelemetry's semantic conventions for generative AI metrics; the Prometheus exposition formats 0.0.4 and OpenMetrics 1.0.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Gauge, Metric
from prometheus_client.core import CounterMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from tianji_adapters.telemetry.tallies import OTHER, Counts, Spread
from tianji_core.calls.events import CallEvent
from tianji_core.ports.clock import Clock

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 420, 600)
_TOKENS = (1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576)
_GEN_AI = ("gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model")
_CALL = ("surface", "model_group", "provider", "status")


@dataclass(frozen=True, slots=True)
class _PickedCounts:
    """A counter that picks its label values from those of many."""

    counts: Counts

    def add(self, values: Mapping[str, str], amount: float = 1) -> None:
        self.counts.add(*[values[name] for name in self.counts.labels], amount=amount)


@dataclass(frozen=True, slots=True)
class _PickedSpread:
    """The same for a histogram."""

    spread: Spread

    def observe(self, values: Mapping[str, str], amount: float) -> None:
        self.spread.observe(*[values[name] for name in self.spread.labels], amount=amount)


class CallMetrics:
    """Counts each call from its event. Before `follow` it knows no model, and shows no names but its own."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.registry = CollectorRegistry()
        self._known_models: frozenset[str] = frozenset()
        self._litellm: _LiteLLMNames | None = None
        self._duration = self._histogram("gen_ai_server_request_duration_seconds", "Duration of a call", (*_GEN_AI, "error_type"), _SECONDS)
        self._first = self._histogram("gen_ai_server_time_to_first_token_seconds", "Until the first chunk of a stream", _GEN_AI, _SECONDS)
        self._tokens = self._histogram("gen_ai_client_token_usage", "Tokens of a call", (*_GEN_AI, "gen_ai_token_type"), _TOKENS)
        self._calls = self._counter("tianji_calls", "Finished calls", _CALL)
        self._refused = self._counter("tianji_refused_calls", "Calls that ended before anything went upstream", ("surface", "error_type"))
        self._spend = self._counter("tianji_spend_usd", "Spend in USD", ("model_group", "provider", "cost_source"))
        self._token_sum = self._counter("tianji_tokens", "Tokens by kind", ("model_group", "provider", "type"))
        self._unpriced = self._counter("tianji_unpriced_calls", "Calls whose price nobody knows", ("model_group", "provider", "model"))
        self._ignored = self._counter("tianji_ignored_reported_costs", "Costs of providers that were not believed", ("provider", "reason"))
        self._estimated = self._counter("tianji_estimated_usage_calls", "Calls whose tokens were counted here", ("provider",))
        self._exceeded = self._counter(
            "tianji_reservation_exceeded", "Calls that cost more than was held for them of a budget", ("model_group", "provider")
        )
        self._attempts = self._counter("tianji_attempts", "Attempts at deployments", ("deployment_id", "provider", "outcome", "error_type"))
        self._retries = self._counter("tianji_retries", "Attempts beyond the first in a group", ("model_group",))
        self._fallbacks = self._counter("tianji_fallbacks", "Groups beyond the first", ("model_group",))
        self._dropped = self._counter("tianji_dropped_params", "Parameters left out for a provider", ("provider", "param"))

    def follow(self, *, known_models: frozenset[str], litellm_names: bool) -> None:
        """Take over what the configuration says.

        Args:
            known_models: Names that may become label values; a client's own text never does.
            litellm_names: Whether LiteLLM's names are shown too. Shown again after a while without them they count from zero.
        """
        self._known_models = known_models
        if litellm_names and self._litellm is None:
            self._litellm = _LiteLLMNames(self)
        elif not litellm_names and self._litellm is not None:
            self._litellm.remove()
            self._litellm = None

    def gauge(self, name: str, text: str, read: Callable[[], float]) -> None:
        """Show a number that is read at each scrape."""
        Gauge(name, text, registry=self.registry).set_function(read)

    def count(self, name: str, text: str, read: Callable[[], float]) -> None:
        """Show a count that somebody else keeps; it is read at each scrape, and never falls."""
        self.registry.register(_ReadCount(name, text, read))

    def call_finished(self, event: CallEvent) -> None:
        """Count the call."""
        group = self.known_model(event.model_group)
        provider = event.provider or ""
        gen_ai = (event.operation, provider, event.model if group != OTHER and event.model else group)
        error = event.error.type if event.error else ""
        self._calls.add(event.surface, group, provider, event.status)
        if event.error is not None and not event.went_upstream:
            self._refused.add(event.surface, error)
        self._duration.observe(*gen_ai, error, amount=(event.ended_at_ns - event.started_at_ns) / 1e9)
        if event.stream and event.first_chunk_at_ns is not None and event.upstream_started_at_ns is not None:
            self._first.observe(*gen_ai, amount=(event.first_chunk_at_ns - event.upstream_started_at_ns) / 1e9)
        self._count_use(event, gen_ai, group, provider)
        self._count_attempts(event, group, provider)
        if self._litellm is not None:
            self._litellm.call_finished(event, group)

    def known_model(self, name: str | None) -> str:
        """Return a model name that may be a label value."""
        return name if name in self._known_models else OTHER if name else ""

    def render(self, accept: str | None) -> tuple[str, bytes]:
        """Return content type and text, in the format that the scraper asks for."""
        encoder, content_type = choose_encoder(accept or "")
        return content_type, encoder(self.registry)

    def _count_use(self, event: CallEvent, gen_ai: tuple[str, str, str], group: str, provider: str) -> None:
        usage, cost = event.usage, event.cost
        given, out = usage.input_total, usage.output_total
        self._tokens.observe(*gen_ai, "input", amount=given)
        self._tokens.observe(*gen_ai, "output", amount=out)
        for kind, count in (
            ("input", given),
            ("output", out),
            ("cache_read", usage.cache_read),
            ("cache_write", usage.cache_write_total),
            ("reasoning", usage.reasoning),
        ):
            if count:
                self._token_sum.add(group, provider, kind, amount=count)
        self._spend.add(group, provider, cost.source, amount=cost.total_nano / 1e9)
        if event.usage_source == "estimated":
            self._estimated.add(provider)
        if event.usage_source != "none" and cost.source == "zero_unpriced":
            self._unpriced.add(group, provider, event.model or "")
        if event.exceeded_nano:
            self._exceeded.add(group, provider)
        if "reported_ignored" in cost.basis:
            self._ignored.add(provider, str(cost.basis["reported_ignored"]))

    def _count_attempts(self, event: CallEvent, group: str, provider: str) -> None:
        for attempt in event.attempts:
            error = attempt.error.type if attempt.error else ""
            self._attempts.add(attempt.deployment_id, attempt.provider, attempt.outcome, error)
        self._retries.add(group, amount=event.retries)
        self._fallbacks.add(group, amount=event.fallbacks)
        for param in event.dropped_params:
            self._dropped.add(provider, param)

    def _counter(self, name: str, text: str, labels: Sequence[str]) -> Counts:
        counts = Counts(name, text, labels, self.clock)
        self.registry.register(counts)
        return counts

    def _histogram(self, name: str, text: str, labels: Sequence[str], bounds: Sequence[float]) -> Spread:
        spread = Spread(name, text, labels, bounds, self.clock)
        self.registry.register(spread)
        return spread


@dataclass(frozen=True, slots=True)
class _ReadCount(Collector):
    name: str
    text: str
    read: Callable[[], float]

    def collect(self) -> Iterable[Metric]:
        yield CounterMetricFamily(self.name, self.text, value=self.read())


_WHO = ("end_user", "hashed_api_key", "api_key_alias", "requested_model", "team", "team_alias", "user", "model_id", "api_provider")
_LATENCY = ("model_group", "model", "hashed_api_key", "api_key_alias", "team", "team_alias", "requested_model", "model_id", "api_provider")
_DEPLOYMENT = ("litellm_model_name", "model_id", "api_base", "api_provider")


class _LiteLLMNames:
    """The metrics of LiteLLM that a call can feed, with its label names and its `None` for what is not known."""

    def __init__(self, metrics: CallMetrics) -> None:
        self._registry = metrics.registry
        self._all: list[Counts | Spread] = []

        def counter(name: str, labels: Sequence[str]) -> _PickedCounts:
            counts = Counts(name, name, labels, metrics.clock)
            self._all.append(counts)
            return _PickedCounts(counts)

        def histogram(name: str, labels: Sequence[str]) -> _PickedSpread:
            spread = Spread(name, name, labels, _SECONDS, metrics.clock)
            self._all.append(spread)
            return _PickedSpread(spread)

        self._total = counter("litellm_proxy_total_requests_metric", (*_WHO, "status_code", "route"))
        self._failed = counter("litellm_proxy_failed_requests_metric", (*_WHO, "exception_status", "exception_class", "route"))
        self._requests = counter("litellm_requests_metric", (*_WHO, "model"))
        self._spend = counter("litellm_spend_metric", (*_WHO, "model"))
        self._tokens = {
            "input": counter("litellm_input_tokens_metric", (*_WHO, "model")),
            "output": counter("litellm_output_tokens_metric", (*_WHO, "model")),
            "total": counter("litellm_total_tokens_metric", (*_WHO, "model")),
        }
        self._latency = histogram("litellm_request_total_latency_metric", _LATENCY)
        self._upstream = histogram("litellm_llm_api_latency_metric", _LATENCY)
        self._first = histogram("litellm_llm_api_time_to_first_token_metric", _LATENCY)
        self._deployment = counter("litellm_deployment_total_requests", _DEPLOYMENT)
        self._deployment_ok = counter("litellm_deployment_success_responses", _DEPLOYMENT)
        self._deployment_bad = counter("litellm_deployment_failure_responses", (*_DEPLOYMENT, "exception_status", "exception_class"))
        for metric in self._all:
            self._registry.register(metric)

    def remove(self) -> None:
        """Show none of them any more."""
        for metric in self._all:
            self._registry.unregister(metric)

    def call_finished(self, event: CallEvent, group: str) -> None:
        """Count the call."""
        who = {
            "end_user": "None",  # a client's own text: only with a switch of its own
            "hashed_api_key": event.key_hash or "None",
            "api_key_alias": event.key_alias or "None",
            "requested_model": group or "None",
            "model_group": group or "None",
            "team": event.team_id or "None",
            "team_alias": "None",
            "user": event.user_id or "None",
            "model_id": event.deployment_id or "None",
            "api_provider": event.provider or "None",
            "model": event.model or "None",
            "litellm_model_name": event.model or "None",
            "api_base": event.server_address or "None",
            "status_code": str(event.http_status),
            "route": event.route,
            "exception_status": event.error.code or "None" if event.error else "None",
            "exception_class": event.error.type if event.error else "None",
        }
        self._total.add(who)
        if event.status == "error":
            self._failed.add(who)
        if event.went_upstream:
            self._deployment.add(who)
            (self._deployment_ok if event.status == "ok" else self._deployment_bad).add(who)
        if event.status == "ok":
            self._count_success(event, who)

    def _count_success(self, event: CallEvent, who: Mapping[str, str]) -> None:
        given, out = event.usage.input_total or 0, event.usage.output_total or 0
        self._requests.add(who)
        self._spend.add(who, event.cost.total_nano / 1e9)
        for kind, count in (("input", given), ("output", out), ("total", given + out)):
            self._tokens[kind].add(who, count)
        self._latency.observe(who, (event.ended_at_ns - event.started_at_ns) / 1e9)
        if event.upstream_started_at_ns is not None:
            end = event.upstream_ended_at_ns or event.ended_at_ns
            self._upstream.observe(who, (end - event.upstream_started_at_ns) / 1e9)
            if event.stream and event.first_chunk_at_ns is not None:
                self._first.observe(who, (event.first_chunk_at_ns - event.upstream_started_at_ns) / 1e9)
