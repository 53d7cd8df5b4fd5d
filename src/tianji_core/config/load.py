"""From files and environment to a configuration that can run, or to all that is wrong with it.

The core opens no file: `load_config` says which files it lacks and is called again.
"""

from collections.abc import Mapping
from hashlib import sha256

from tianji_core.config.compatibility import Block, BlockReader, peek_flag
from tianji_core.config.deployments import DeploymentSources, Known, read_deployments
from tianji_core.config.gateway_config import GatewayConfig
from tianji_core.config.general_settings import general_without_file, read_general, read_restart_only
from tianji_core.config.journal import read_journal
from tianji_core.config.merge import NeedFiles, SourceFile, assemble
from tianji_core.config.nodes import MapNode
from tianji_core.config.price_settings import read_prices
from tianji_core.config.problems import ConfigurationWarning, Problems
from tianji_core.config.references import EnvironmentBlock, read_environment, resolve
from tianji_core.config.router_settings import check_pre_call_checks, read_router
from tianji_core.config.schema import GENERAL, JOURNAL, PROMETHEUS, ROUTER, SETTINGS, TOP_LEVEL
from tianji_core.shapes.codecs import Provider

_BUILT_CALLBACKS = ("prometheus",)
_CALLBACK_KEYS = ("callbacks", "success_callback", "failure_callback", "service_callback")


def load_config(
    root: str, sources: Mapping[str, SourceFile], environment: Mapping[str, str], providers: Mapping[str, Provider], known: Known
) -> GatewayConfig | NeedFiles:
    """Read a configuration.

    Args:
        root: Path of the file; messages name it as it is given.
        sources: What was read so far, by path.
        environment: The process environment.
        providers: By name and alias.
        known: The price table's entry of (provider, model, base model), or an empty mapping.

    Returns:
        The configuration, or the files that are still needed.

    Raises:
        ConfigurationErrors: everything that is wrong, with file and line.
    """
    problems = Problems()
    tree = assemble(root, sources, problems)
    if isinstance(tree, NeedFiles):
        return tree
    block = read_environment(tree, environment, problems)
    rest = MapNode(place=tree.place, entries={name: entry for name, entry in tree.entries.items() if name != "environment_variables"})
    resolved = resolve(rest, block.visible, problems)
    config = _read(resolved, block, providers, known, problems, _digest(sources))
    problems.raise_if_any()
    return config


def config_without_file(environment: Mapping[str, str]) -> GatewayConfig:
    """Return the configuration of a start without a file: no deployments, and what the environment says.

    Raises:
        ConfigurationErrors: the environment holds a weak master key or an unusable port.
    """
    problems = Problems()
    general = general_without_file(environment, problems)
    problems.raise_if_any()
    return GatewayConfig(general=general)


def _read(
    tree: MapNode, env: EnvironmentBlock, providers: Mapping[str, Provider], known: Known, problems: Problems, digest: str
) -> GatewayConfig:
    reader = BlockReader(
        problems=problems,
        strict=peek_flag(tree, "general_settings", "strict_config"),
        allow_unsupported=peek_flag(tree, "general_settings", "allow_unsupported"),
    )
    top = reader.read(tree, TOP_LEVEL)
    general = reader.child(top, "general_settings", GENERAL)
    settings = reader.child(top, "tianji_settings", SETTINGS)
    router = reader.child(top, "router_settings", ROUTER)
    router_node = top.get("router_settings", MapNode)
    if router_node is not None:
        check_pre_call_checks(router_node, reader)
    metrics = reader.child(top, "prometheus", PROMETHEUS)
    journal = reader.child(top, "journal", JOURNAL)
    deployments = read_deployments(top, reader, DeploymentSources(env.visible, providers, known, router, settings))
    return GatewayConfig(
        deployments=deployments,
        router=read_router(router, settings, reader, frozenset(deployment.group for deployment in deployments)),
        general=read_general(general, env.visible, problems),
        prices=read_prices(settings, reader),
        journal=read_journal(journal),
        litellm_metric_names="prometheus" in _callbacks(settings, reader) or "litellm" in metrics.texts("naming"),
        warnings=_ordered(problems),
        environment_to_set=env.to_set,
        restart_only={**read_restart_only(general, GENERAL), **read_restart_only(journal, JOURNAL)},
        digest=digest,
    )


def _callbacks(settings: Block, reader: BlockReader) -> tuple[str, ...]:
    """Return the built callbacks, each once, and warn of the others."""
    found: dict[str, None] = {}
    for key in _CALLBACK_KEYS:
        for name in settings.texts(key):
            if name in _BUILT_CALLBACKS:
                found[name] = None
            else:
                message = f"the callback `{name}` is not built yet: nothing is sent to it"
                reader.problems.warn_once(f"callback.{name}", settings.place_of(key), message)
    return tuple(found)


def _ordered(problems: Problems) -> tuple[ConfigurationWarning, ...]:
    return tuple(sorted(problems.warnings, key=lambda warning: (warning.file, warning.line)))


def _digest(sources: Mapping[str, SourceFile]) -> str:
    digest = sha256()
    for path in sorted(sources):
        digest.update(f"{len(sources[path].text or '')}:{sources[path].text or ''}".encode(errors="surrogatepass"))
    return digest.hexdigest()[:16]


__all__ = ["config_without_file", "load_config"]
