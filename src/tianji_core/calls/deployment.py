"""One provider + model + credential that can serve a call."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal, NewType

import msgspec

from tianji_core.calls.http import Headers
from tianji_core.calls.secret import Secret

DeploymentId = NewType("DeploymentId", str)
ParameterMode = Literal["refuse", "drop"]


class TransportOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How the connection to this deployment is made. Equal options share one pool."""

    http2: bool = False
    proxy: Secret | None = None
    verify: bool = True
    ca_file: str | None = None
    client_certificate: str | None = None
    client_key: str | None = None


class Deployment(msgspec.Struct, frozen=True, kw_only=True):
    """What a configuration entry of `model_list` becomes.

    Attributes:
        group: The public model name (`model_name`); may hold `*`.
        provider: Our id of the provider.
        model: What is sent upstream; may hold `*`, which takes what the group's `*` captured.
        base_url: As configured, or None for the provider's own.
        auth_secret: The provider's key, or None.
        extra_body: Parameters of the provider that stand in the configuration; merged into each request where absent.
        headers: Extra headers for each request.
        options: Settings that only the provider's codec reads (`anthropic_version`, `organization`, `api_version`, …).
        model_info: `model_info` as configured (`base_model`, `mode`, limits, `supports_*`).
        prices: Custom pricing fields, as `Decimal` or nested JSON, in the price table's grammar.
        known: The price table's entry for this model (limits and `supports_*`), or nothing.
        weight, rpm, tpm, order: For routing; see `tianji_core.routing`.
        timeout_seconds, stream_timeout_seconds: Limits of one attempt; the second until the first content.
    """

    id: DeploymentId
    group: str
    provider: str
    model: str
    base_url: str | None = None
    auth_secret: Secret | None = None
    extra_body: Mapping[str, object] = {}
    headers: Headers = ()
    options: Mapping[str, object] = {}
    model_info: Mapping[str, object] = {}
    prices: Mapping[str, object] = {}
    known: Mapping[str, object] = {}
    parameter_mode: ParameterMode = "refuse"
    dropped_parameters: frozenset[str] = frozenset()
    allowed_parameters: frozenset[str] = frozenset()
    client_credentials: frozenset[str] = frozenset()
    transport: TransportOptions = TransportOptions()
    weight: Decimal | None = None
    rpm: int | None = None
    tpm: int | None = None
    order: int = 1
    timeout_seconds: float | None = None
    stream_timeout_seconds: float | None = None
    max_retries: int | None = None
    cooldown_seconds: float | None = None

    def info(self, name: str) -> object | None:
        """Return a fact of the model: as configured, else from the price table."""
        value = self.model_info.get(name)
        return value if value is not None else self.known.get(name)

    @property
    def max_output_tokens(self) -> int | None:
        """The most that the model can answer, or None where nobody knows."""
        value = self.info("max_output_tokens")
        return int(value) if isinstance(value, int | Decimal) else None
