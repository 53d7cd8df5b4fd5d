"""`model_list` to deployments."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from string import Formatter
from typing import NamedTuple

from tianji_core.calls.controls import CREDENTIAL_FIELDS
from tianji_core.calls.deployment import Deployment
from tianji_core.calls.secret import Secret
from tianji_core.config.compatibility import Block, BlockReader
from tianji_core.config.deployment_ids import DeploymentIds
from tianji_core.config.http_options import read_headers, read_transport
from tianji_core.config.model_names import ModelName, UnknownProviderError, split_model
from tianji_core.config.nodes import Entry, ListNode, MapNode, is_empty, plain
from tianji_core.config.price_settings import read_price_fields
from tianji_core.config.problems import Place, Problems
from tianji_core.config.schema import CREDENTIAL, INFO, MODEL, PARAMS
from tianji_core.config.spelling import is_one_edit_away
from tianji_core.pricing.grammar import is_price_field
from tianji_core.shapes.codecs import Provider, names

Known = Callable[[str, str, str | None], Mapping[str, object]]
"""(provider, model, base model) to the price table's entry, or an empty mapping."""

_OPTIONS = ("organization", "anthropic_version")


class DeploymentSources(NamedTuple):
    """What deployments are made with, beside their own entries.

    Attributes:
        environment: Where providers' keys and base URLs are looked up.
        providers: By name and alias.
        router, settings: The blocks that hold defaults.
    """

    environment: Mapping[str, str]
    providers: Mapping[str, Provider]
    known: Known
    router: Block
    settings: Block


def read_deployments(top: Block, reader: BlockReader, sources: DeploymentSources) -> tuple[Deployment, ...]:
    """Return the deployments in the files' order; what is wrong with an entry is collected."""
    defaults = sources.router.get("default_tianji_params", MapNode)
    builder = _Builder(
        sources=sources,
        ids=DeploymentIds(reader.problems),
        credentials=_credentials(top, reader),
        defaults=defaults.entries if defaults is not None else {},
        skip_invalid=sources.router.flag("ignore_invalid_deployments"),
    )
    node = top.get("model_list", ListNode)
    built: list[Deployment] = []
    for item in node.items if node is not None else ():
        if isinstance(item, MapNode):
            deployment = builder.build(item, reader)
            built += [deployment] if deployment is not None else []
        else:
            reader.problems.error(item.place, "an entry of `model_list` must be a map with `model_name` and `tianji_params`")
    return tuple(built)


def _credentials(top: Block, reader: BlockReader) -> Mapping[str, Mapping[str, Entry]]:
    node = top.get("credential_list", ListNode)
    result: dict[str, Mapping[str, Entry]] = {}
    for item in node.items if node is not None else ():
        if not isinstance(item, MapNode):
            reader.problems.error(item.place, "an entry of `credential_list` must be a map with `credential_name`")
            continue
        block = reader.read(item, CREDENTIAL)
        name, values = block.text("credential_name"), block.get("credential_values", MapNode)
        if block.lacks("credential_name"):
            reader.problems.error(item.place, "this entry of `credential_list` has no `credential_name`")
        elif name is not None and name in result:
            reader.problems.error(block.place_of("credential_name"), f"the credential `{name}` is defined twice")
        elif name is not None:
            result[name] = values.entries if values is not None else {}
    return result


@dataclass(slots=True)
class _Builder:
    """Makes one deployment after the other."""

    sources: DeploymentSources
    ids: DeploymentIds
    credentials: Mapping[str, Mapping[str, Entry]]
    defaults: Mapping[str, Entry]
    skip_invalid: bool

    def build(self, item: MapNode, reader: BlockReader) -> Deployment | None:
        """Return the deployment of an entry, or None after an error."""
        found = Problems(warnings=reader.problems.warnings, told=reader.problems.told)
        own = BlockReader(problems=found, strict=reader.strict, allow_unsupported=reader.allow_unsupported)
        deployment = self._build(item, own)
        if not found.errors:
            return deployment
        if self.skip_invalid:
            for error in found.errors:
                place = Place(file=error.file or item.place.file, line=error.line or item.place.line)
                reader.problems.warn(place, f"this deployment is left out: {error.message}")
        else:
            reader.problems.errors.extend(found.errors)
        return None

    def _build(self, item: MapNode, reader: BlockReader) -> Deployment | None:
        problems = reader.problems
        entry = reader.read(item, MODEL)
        group, node = entry.text("model_name"), entry.get("tianji_params", MapNode)
        if entry.lacks("model_name"):
            problems.error(item.place, "this entry of `model_list` has no `model_name`")
        if entry.lacks("tianji_params"):
            problems.error(item.place, "this entry of `model_list` has no `tianji_params` (or `litellm_params`)")
        if node is None:
            return None
        params = self._with_defaults(node, problems)
        block = reader.read_known(params, PARAMS)
        info_node = entry.get("model_info", MapNode) or MapNode(place=item.place, entries={})
        info = reader.read_known(info_node, INFO)
        named = self._split(block, problems)
        if named is None:
            return None
        return self._deployment(_Parts(group or "", named, node, block, info_node, info, item.place), problems)

    def _with_defaults(self, node: MapNode, problems: Problems) -> MapNode:
        """Return the parameters with what a named credential and the router's defaults add."""
        entries = dict(node.entries)
        for spelling in ("tianji_credential_name", "litellm_credential_name"):
            entry = entries.get(spelling)
            if entry is None or is_empty(entry.node):
                continue
            name = plain(entry.node)
            if isinstance(name, str) and name in self.credentials:
                _fill(entries, self.credentials[name])
            else:
                problems.error(entry.place, "this names no entry of `credential_list`")
        _fill(entries, self.defaults)
        return MapNode(place=node.place, entries=entries)

    def _split(self, block: Block, problems: Problems) -> ModelName | None:
        model = block.text("model")
        if block.lacks("model"):
            problems.error(block.place, "`tianji_params` has no `model`", "for example `model: openai/gpt-4.1-mini`")
        if model is None:
            return None
        try:
            return split_model(model, block.text("custom_llm_provider"), self.sources.providers)
        except UnknownProviderError as error:
            problems.error(block.place_of("custom_llm_provider" if block.text("custom_llm_provider") else "model"), str(error), error.hint)
            return None

    def _deployment(self, parts: "_Parts", problems: Problems) -> Deployment:
        block, provider, model = parts.block, parts.named.provider, parts.named.model
        base_model = parts.info.text("base_model")
        given = parts.info.text("id")
        drop = block.flag("drop_params", default=self.sources.settings.flag("drop_params"))
        order = block.whole("order")
        return Deployment(
            id=self.ids.configured(given, parts.info.place_of("id"))
            if given
            else self.ids.derived(provider.name, model, parts.node.entries, parts.place),
            group=parts.group,
            provider=provider.name,
            model=model,
            base_url=self._base_url(parts, problems),
            auth_secret=self._key(parts, problems),
            extra_body=_extra_body(block, problems),
            headers=read_headers(block, problems),
            options={name: value for name in _OPTIONS if (value := block.text(name)) is not None},
            model_info={name: plain(entry.node) for name, entry in parts.info_node.entries.items() if not is_empty(entry.node)},
            prices=_prices(parts, problems),
            known=self.sources.known(provider.name, model, base_model),
            parameter_mode="drop" if drop else "refuse",
            dropped_parameters=frozenset(block.texts("additional_drop_params")),
            allowed_parameters=frozenset(block.texts("allowed_openai_params")),
            client_credentials=_client_credentials(block, problems),
            transport=read_transport(block, self.sources.settings, problems),
            weight=block.number("weight"),
            rpm=block.whole("rpm"),
            tpm=block.whole("tpm"),
            order=1 if order is None else order,
            timeout_seconds=block.seconds("timeout"),
            stream_timeout_seconds=block.seconds("stream_timeout"),
            max_retries=block.whole("max_retries"),
            cooldown_seconds=block.seconds("cooldown_time"),
        )

    def _key(self, parts: "_Parts", problems: Problems) -> Secret | None:
        """Return the provider's key. A missing one is an error, unless callers bring theirs or the server is the operator's own."""
        provider, block = parts.named.provider, parts.block
        own = block.secret("api_key")
        if not block.lacks("api_key"):
            return own
        text = self._variable(provider.key_variables)
        optional = "api_key" in block.texts("configurable_clientside_auth_params") or not block.lacks("api_base")
        if text is None and provider.needs_key and not optional:
            problems.error(block.place, f"`{provider.name}` needs an `api_key`", _or_set(provider.key_variables))
        return Secret(text) if text is not None else None

    def _base_url(self, parts: "_Parts", problems: Problems) -> str | None:
        provider, block = parts.named.provider, parts.block
        url = block.text("api_base") or self._variable(provider.base_variables) or self._filled(provider.base_template)
        if url is None and provider.needs_base_url and block.lacks("api_base"):
            variables = (*provider.base_variables, *_places(provider.base_template))
            problems.error(block.place, f"`{provider.name}` needs an `api_base`", _or_set(variables))
        if url is not None and not url.lower().startswith(("http://", "https://")):
            place = block.place_of("api_base")
            problems.error(place, "`api_base` must begin with `http://` or `https://`")
        return url

    def _filled(self, template: str | None) -> str | None:
        """Return a base URL with the environment's values in its places, or None where one of them is not set."""
        values = {name: self.sources.environment.get(name) for name in _places(template)}
        return template.format_map(values) if template and all(values.values()) else None

    def _variable(self, variables: tuple[str, ...]) -> str | None:
        return next((text for name in variables if (text := self.sources.environment.get(name))), None)


class _Parts(NamedTuple):
    """One entry of `model_list`, read."""

    group: str
    named: ModelName
    node: MapNode
    block: Block
    info_node: MapNode
    info: Block
    place: Place


def _places(template: str | None) -> tuple[str, ...]:
    return tuple(name for _, name, _, _ in Formatter().parse(template or "") if name)


def _or_set(variables: tuple[str, ...]) -> str | None:
    return "or set " + " or ".join(f"`{name}`" for name in variables) if variables else None


def _fill(entries: dict[str, Entry], more: Mapping[str, Entry]) -> None:
    """Add entries whose key, in any spelling, is not there yet."""
    for name, entry in more.items():
        key = PARAMS.by_spelling.get(name)
        present = (entries.get(spelling) for spelling in (key.spellings if key is not None else (name,)))
        if all(found is None or is_empty(found.node) for found in present):
            entries[name] = entry


def _extra_body(block: Block, problems: Problems) -> Mapping[str, object]:
    """Return the unknown parameters, which are the provider's, and `extra_body` over them."""
    body: dict[str, object] = {}
    for name, entry in block.unknown.items():
        if is_empty(entry.node) or is_price_field(name):
            continue
        near = next((known for known in PARAMS.by_spelling if is_one_edit_away(name, known)), None)
        if near is not None:
            problems.warn(entry.place, f"`{name}` is sent to the provider as a parameter; did you mean `{near}`?")
        body[name] = plain(entry.node)
    extra = block.get("extra_body", MapNode)
    return {**body, **{name: plain(entry.node) for name, entry in extra.entries.items()}} if extra is not None else body


def _prices(parts: _Parts, problems: Problems) -> Mapping[str, object]:
    """Return the pricing fields of both places; those of `tianji_params` win."""
    own = {name: entry for name, entry in parts.block.unknown.items() if is_price_field(name)}
    facts = {name: entry for name, entry in parts.info.unknown.items() if is_price_field(name)}
    for name, entry in own.items():
        other = facts.get(name)
        if other is not None and not is_empty(other.node) and plain(other.node) != plain(entry.node):
            problems.warn(entry.place, f"`tianji_params.{name}` wins over the different `model_info.{name}` of {other.place}")
    return {**read_price_fields(facts, problems), **read_price_fields(own, problems)}


def _client_credentials(block: Block, problems: Problems) -> frozenset[str]:
    fields = frozenset(block.texts("configurable_clientside_auth_params"))
    unknown = sorted(fields - CREDENTIAL_FIELDS)
    if unknown:
        message = f"callers cannot bring {names(unknown)}, only {names(sorted(CREDENTIAL_FIELDS))}"
        problems.error(block.place_of("configurable_clientside_auth_params"), message)
    return fields & CREDENTIAL_FIELDS


__all__ = ["DeploymentSources", "Known", "read_deployments"]
