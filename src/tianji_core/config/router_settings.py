"""`router_settings`, with `tianji_settings` behind it."""

from collections.abc import Callable, Mapping

from tianji_core.config.compatibility import Block, BlockReader
from tianji_core.config.nodes import Entry, ListNode, MapNode, Node, Scalar, is_empty, plain
from tianji_core.config.problems import Place, Problems
from tianji_core.config.schema.keys import Key, table
from tianji_core.config.schema.router import SHARED
from tianji_core.routing.settings import Alias, RouterSettings

_BUILT_STRATEGY = "simple-shuffle"
_PROTECTING_CHECKS = frozenset({"router_budget_limiting", "enforce_model_rate_limits"})

_CLASSES = (
    ("BadRequestError", "bad_request"),
    ("AuthenticationError", "authentication"),
    ("TimeoutError", "timeout"),
    ("RateLimitError", "rate_limit"),
    ("ContentPolicyViolationError", "content_policy"),
    ("InternalServerError", "internal_server"),
)


def _by_class(path: str, suffix: str) -> Callable[[BlockReader, MapNode], Mapping[str, int]]:
    """Return a reader of a map from error class (`<Class><suffix>`) to a count."""
    known = table(path, "", [Key(name=name + suffix, kind="whole", at_least=0, at_most=10_000) for name, _ in _CLASSES])

    def read(reader: BlockReader, node: MapNode) -> Mapping[str, int]:
        block = reader.read(node, known)
        counts = {word: block.whole(name + suffix) for name, word in _CLASSES}
        return {word: count for word, count in counts.items() if count is not None}

    return read


_RETRIES = _by_class("retry_policy", "Retries")
_FAILS = _by_class("allowed_fails_policy", "AllowedFails")


def read_router(router: Block, settings: Block, reader: BlockReader, groups: frozenset[str]) -> RouterSettings:
    """Return the router's settings. `groups` are the configured model names; a fallback to none of them is warned of."""
    both = _Both(router, settings, reader.problems)
    _check_strategy(router, reader)
    timeout = both.seconds("timeout") or 600.0
    lists = _Fallbacks(both, reader.problems)
    aliases = _aliases(router, reader)
    result = RouterSettings(
        strategy=_BUILT_STRATEGY,
        num_retries=both.whole("num_retries", 2),
        retries_by_class=_map(router, "retry_policy", reader, _RETRIES),
        group_retries_by_class=_by_group(router, reader),
        retry_after_seconds=router.seconds("retry_after") or 0.0,
        allowed_fails=both.whole("allowed_fails", 3),
        allowed_fails_by_class=_map(router, "allowed_fails_policy", reader, _FAILS),
        cooldown_seconds=0.0 if router.flag("disable_cooldowns") else both.seconds("cooldown_time"),
        timeout_seconds=timeout,
        stream_timeout_seconds=both.seconds("stream_timeout"),
        max_timeout_seconds=router.seconds("max_request_timeout") or max(600.0, timeout),
        first_byte_hold_seconds=_or(router.seconds("first_byte_hold"), 15.0),
        stream_idle_seconds=_or(router.seconds("stream_idle_timeout"), 120.0),
        max_stream_seconds=_or(router.seconds("max_stream_duration"), 3600.0),
        fallbacks=lists.general(),
        context_window_fallbacks=lists.read("context_window_fallbacks"),
        content_policy_fallbacks=lists.read("content_policy_fallbacks"),
        max_fallbacks=both.whole("max_fallbacks", 5),
        aliases=aliases,
    )
    lists.check_targets(groups | aliases.keys())
    return result


def _or(value: float | None, default: float) -> float:
    return default if value is None else value


class _Both:
    """The keys that two blocks share: `router_settings` wins, and a difference is told."""

    def __init__(self, router: Block, settings: Block, problems: Problems) -> None:
        self._chosen: dict[str, Block] = {}
        for key in SHARED:
            ours, theirs = router.values.get(key.name), settings.values.get(key.name)
            if ours is not None and theirs is not None and plain(ours.node) != plain(theirs.node):
                message = f"`router_settings.{ours.name}` wins over the different `tianji_settings.{theirs.name}` of {theirs.place}"
                problems.warn(ours.place, message)
            self._chosen[key.name] = router if ours is not None else settings

    def block(self, name: str) -> Block:
        return self._chosen[name]

    def whole(self, name: str, default: int) -> int:
        value = self._chosen[name].whole(name)
        return default if value is None else value

    def seconds(self, name: str) -> float | None:
        return self._chosen[name].seconds(name)


class _Fallbacks:
    """Reads `[{group: [groups]}]` and remembers each target's place."""

    def __init__(self, both: _Both, problems: Problems) -> None:
        self._both = both
        self._problems = problems
        self._targets: list[tuple[str, Place]] = []

    def general(self) -> Mapping[str, tuple[str, ...]]:
        """Return `fallbacks`, with `default_fallbacks` as the list of `*`."""
        lists = self.read("fallbacks")
        block = self._both.block("default_fallbacks")
        default = block.texts("default_fallbacks")
        self._targets += [(target, block.place_of("default_fallbacks")) for target in default]
        return {"*": default, **lists} if default else lists

    def read(self, name: str) -> Mapping[str, tuple[str, ...]]:
        node = self._both.block(name).get(name, ListNode)
        lists: dict[str, tuple[str, ...]] = {}
        for item in node.items if node is not None else ():
            if not isinstance(item, MapNode):
                self._problems.error(item.place, f"`{name}` must be a list of `group: [groups]`")
                continue
            for group, entry in item.entries.items():
                if group in lists:
                    self._problems.error(entry.place, f"`{group}` has two lists in `{name}`")
                lists[group] = self._list(name, entry)
        return lists

    def check_targets(self, known: frozenset[str]) -> None:
        """Warn of targets that nothing can serve; a group with `*` might serve any name."""
        if any("*" in name for name in known):
            return
        for target, place in self._targets:
            if target not in known:
                self._problems.warn(place, f"the fallback `{target}` is no model group of this configuration")

    def _list(self, name: str, entry: Entry) -> tuple[str, ...]:
        if not isinstance(entry.node, ListNode):
            self._problems.error(entry.place, f"`{name}` of `{entry.name}` must be a list of model groups")
            return ()
        found = [(self._target(name, item), item.place) for item in entry.node.items]
        targets = [(target, place) for target, place in found if target is not None]
        self._targets += targets
        return tuple(target for target, _ in targets)

    def _target(self, name: str, item: Node) -> str | None:
        """Return the group of a target, which may be an object that also overrides parameters."""
        if isinstance(item, MapNode) and "model" in item.entries:
            if len(item.entries) > 1:
                self._problems.warn_once(f"{name}.{{}}", item.place, f"parameters beside `model` in `{name}` are not built yet")
            item = item.entries["model"].node
        if isinstance(item, Scalar) and isinstance(item.value, str) and item.value:
            return item.value
        self._problems.error(item.place, f"`{name}`: a target must be the name of a model group")
        return None


def _check_strategy(router: Block, reader: BlockReader) -> None:
    strategy = router.text("routing_strategy")
    if strategy is not None and strategy != _BUILT_STRATEGY:
        message = f"`routing_strategy: {strategy}` is not built yet; `{_BUILT_STRATEGY}` is used"
        reader.problems.warn(router.place_of("routing_strategy"), message)


def check_pre_call_checks(node: MapNode, reader: BlockReader) -> None:
    """Refuse the entries of `optional_pre_call_checks` that enforce limits."""
    entry = node.entries.get("optional_pre_call_checks")
    for item in entry.node.items if entry is not None and isinstance(entry.node, ListNode) else ():
        if isinstance(item, Scalar) and item.value in _PROTECTING_CHECKS:
            reader.refuse_protection(item.place, f"`{item.value}` in router_settings.optional_pre_call_checks")


def _map(router: Block, name: str, reader: BlockReader, read: Callable[[BlockReader, MapNode], Mapping[str, int]]) -> Mapping[str, int]:
    node = router.get(name, MapNode)
    return read(reader, node) if node is not None else {}


def _by_group(router: Block, reader: BlockReader) -> Mapping[str, Mapping[str, int]]:
    node = router.get("model_group_retry_policy", MapNode)
    result: dict[str, Mapping[str, int]] = {}
    for group, entry in node.entries.items() if node is not None else ():
        if isinstance(entry.node, MapNode):
            result[group] = _RETRIES(reader, entry.node)
        elif not is_empty(entry.node):
            reader.problems.error(entry.place, f"`model_group_retry_policy` of `{group}` must be a map")
    return result


_ALIAS = table("model_group_alias", "", [Key(name="model", kind="text"), Key(name="hidden", kind="flag")])


def _aliases(router: Block, reader: BlockReader) -> Mapping[str, Alias]:
    node = router.get("model_group_alias", MapNode)
    result: dict[str, Alias] = {}
    for name, entry in node.entries.items() if node is not None else ():
        group: str | None = None
        hidden = False
        if isinstance(entry.node, Scalar) and isinstance(entry.node.value, str):
            group = entry.node.value
        elif isinstance(entry.node, MapNode):
            block = reader.read(entry.node, _ALIAS)
            group, hidden = block.text("model"), block.flag("hidden")
        if group:
            result[name] = Alias(group=group, hidden=hidden)
        else:
            reader.problems.error(entry.place, f"the alias `{name}` must be a group's name, or `{{model: group, hidden: true}}`")
    return result


__all__ = ["check_pre_call_checks", "read_router"]
