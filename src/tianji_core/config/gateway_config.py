"""A configuration that was read and found right. Nothing here is still a reference or a file name that the core would have to open."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal

import msgspec

from tianji_core.calls.deployment import Deployment
from tianji_core.calls.secret import Secret
from tianji_core.config.problems import ConfigurationWarning
from tianji_core.pricing.adjustments import Margin
from tianji_core.pricing.request_size import DEFAULT_OUTPUT_TOKENS
from tianji_core.pricing.unknown import UnknownPrice
from tianji_core.routing.settings import RouterSettings
from tianji_core.spend.journal_settings import JournalSettings


class GeneralSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`general_settings`, with the environment around it.

    Attributes:
        master_key: None only where a missing one is allowed.
        database_url: None means SQLite in the data directory.
        host, port: None means that neither the file nor the environment says.
        max_request_bytes: Largest request body.
        max_in_flight, max_queued: How many model calls this process carries at the same time, and how many wait for that.
        default_max_output_tokens: How long an answer may be where nobody says a limit.
        shutdown_delay_seconds: How long everything is still served once the end was asked for.
        shutdown_grace_seconds: How long running calls may take after that.
        compat_headers: Whether each `x-tianji-*` header is sent as `x-litellm-*` too.
        answer_headers: Which headers of ours an answer has.
        tokenizer: When the tokenizer is loaded; `off` estimates tokens from bytes.
        response_model: Whether `model` in answers is the caller's name or the provider's.
        metrics_token: A credential for `/metrics` alone.
        custom_keys: Who may choose the text of a new virtual key.
        compat_error_detail: Whether management errors have `detail.error` too, which older clients read.
        strict_management_fields: Refuse unknown fields of management requests instead of naming them in a header.
    """

    master_key: Secret | None = None
    database_url: Secret | None = None
    host: str | None = None
    port: int | None = None
    max_request_bytes: int = 64 << 20
    max_in_flight: int = 1000
    max_queued: int = 100
    default_max_output_tokens: int = DEFAULT_OUTPUT_TOKENS
    shutdown_delay_seconds: float = 5.0
    shutdown_grace_seconds: float = 30.0
    compat_headers: bool = True
    answer_headers: Literal["none", "basic", "full"] = "basic"
    tokenizer: Literal["lazy", "eager", "off"] = "lazy"
    response_model: Literal["requested", "upstream"] = "requested"
    metrics_token: Secret | None = None
    custom_keys: Literal["admin", "all", "none"] = "admin"
    strict_management_fields: bool = False
    compat_error_detail: bool = True


class PriceFile(msgspec.Struct, frozen=True, kw_only=True):
    """A price table of the operator's own: `extend` adds its entries to the packaged ones, `replace` takes their place."""

    path: str
    mode: Literal["extend", "replace"] = "extend"


class PriceSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What the configuration says about prices.

    Attributes:
        discounts: Provider, or `provider/model` with `*`, to the fraction that is taken off.
        margins: Provider or `global` to the margin.
        overrides: Model to fields of the price table; numbers are `Decimal`.
        unknown_price: When calls without a known price are refused.
    """

    discounts: Mapping[str, Decimal] = {}
    margins: Mapping[str, Margin] = {}
    overrides: Mapping[str, Mapping[str, object]] = {}
    file: PriceFile | None = None
    unknown_price: UnknownPrice = "when_budgeted"


class RestartOnly(msgspec.Struct, frozen=True, kw_only=True):
    """A setting that only a restart can change. `digest` stands for its value, which may be a secret."""

    digest: str
    file: str
    line: int


class GatewayConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the files and the environment say.

    Attributes:
        deployments: In the files' order.
        litellm_metric_names: Whether per-call metrics are shown under LiteLLM's names too.
        warnings: For the log and `tianji check`, by file and line.
        environment_to_set: Variables that the process environment gets at the start.
        restart_only: Settings that a reload cannot change, by block and name.
        digest: Of the files' text, to tell which configuration a replica runs; empty without files.
    """

    deployments: tuple[Deployment, ...] = ()
    router: RouterSettings = RouterSettings()
    general: GeneralSettings = GeneralSettings()
    prices: PriceSettings = PriceSettings()
    journal: JournalSettings = JournalSettings()
    litellm_metric_names: bool = False
    warnings: tuple[ConfigurationWarning, ...] = ()
    environment_to_set: Mapping[str, Secret] = {}
    restart_only: Mapping[str, RestartOnly] = {}
    digest: str = ""


__all__ = ["GatewayConfig", "GeneralSettings", "PriceFile", "PriceSettings", "RestartOnly"]
