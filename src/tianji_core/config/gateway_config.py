"""A configuration that was read and found right. Nothing here is still a reference or a file name that the core would have to open."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal

import msgspec

from tianji_core.calls.deployment import Deployment
from tianji_core.calls.secret import Secret
from tianji_core.config.problems import ConfigurationWarning
from tianji_core.routing.settings import RouterSettings


class GeneralSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`general_settings`, with the environment around it.

    Attributes:
        master_key: None only where a missing one is allowed.
        database_url: None means SQLite in the data directory.
        host, port: None means that neither the file nor the environment says.
        max_request_bytes: Largest request body.
        compat_headers: Whether each `x-tianji-*` header is sent as `x-litellm-*` too.
        tokenizer: When the tokenizer is loaded.
        create_status: `compatible` answers 200 on creating routes, `contract` 201.
        error_style: `openai` puts symbolic words into `error.code`, `litellm` the status as text.
        response_model: Whether `model` in answers is the caller's name or the provider's.
        metrics_token: A credential for `/metrics` alone.
    """

    master_key: Secret | None = None
    database_url: Secret | None = None
    host: str | None = None
    port: int | None = None
    max_request_bytes: int = 64 << 20
    compat_headers: bool = True
    tokenizer: Literal["lazy", "eager", "off"] = "lazy"
    create_status: Literal["compatible", "contract"] = "compatible"
    error_style: Literal["openai", "litellm"] = "openai"
    response_model: Literal["requested", "upstream"] = "requested"
    metrics_token: Secret | None = None


class Margin(msgspec.Struct, frozen=True, kw_only=True):
    """What is put on a price: a fraction of it, and USD per call."""

    fraction: Decimal = Decimal(0)
    fixed_usd: Decimal = Decimal(0)


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
    unknown_price: Literal["when_budgeted", "refuse", "allow"] = "when_budgeted"


class RestartOnly(msgspec.Struct, frozen=True, kw_only=True):
    """A setting that only a restart can change. `digest` stands for its value, which may be a secret."""

    digest: str
    file: str
    line: int


class GatewayConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the files and the environment say.

    Attributes:
        deployments: In the files' order.
        callbacks: Receivers of call events that are built.
        litellm_metric_names: Whether per-call metrics are shown under LiteLLM's names too.
        turn_off_message_logging: Whether prompts and answers stay out of events and logs.
        drop_params: The default of the deployments' `parameter_mode`.
        warnings: For the log and `tianji check`, by file and line.
        environment_to_set: Variables that the process environment gets at the start.
        restart_only: Settings that a reload cannot change, by name.
        digest: Of the files' text, to tell which configuration a replica runs; empty without files.
    """

    deployments: tuple[Deployment, ...] = ()
    router: RouterSettings = RouterSettings()
    general: GeneralSettings = GeneralSettings()
    prices: PriceSettings = PriceSettings()
    callbacks: tuple[str, ...] = ()
    litellm_metric_names: bool = False
    turn_off_message_logging: bool = True
    drop_params: bool = False
    warnings: tuple[ConfigurationWarning, ...] = ()
    environment_to_set: Mapping[str, Secret] = {}
    restart_only: Mapping[str, RestartOnly] = {}
    digest: str = ""


__all__ = ["GatewayConfig", "GeneralSettings", "Margin", "PriceFile", "PriceSettings", "RestartOnly"]
