"""The names under which a model may stand in the price table."""

from collections.abc import Iterator

_DATED = len("-2026-01-31")


def own_names(provider: str, model: str) -> tuple[str, ...]:
    """Return the keys that mean this model at this provider and at no other."""
    prefixed = f"{provider}/{model}"
    return (prefixed, f"{provider.replace('_', '-')}/{model}") if "_" in provider else (prefixed,)


def belongs_to(listed_provider: object, provider: str) -> bool:
    """Whether the table's word for a provider is ours, with or without an ending for the kind of model (`cohere_chat`)."""
    if not isinstance(listed_provider, str):
        return True
    name = listed_provider.removeprefix("text-completion-")
    return name == provider or name.startswith((f"{provider}-", f"{provider}_"))


def relatives(provider: str, model: str) -> Iterator[str]:
    """Yield other names of the same model: without Bedrock's region, without its date or `latest`."""
    if provider.startswith("bedrock"):
        _, _, bare = model.partition(".")
        if "." in bare:
            yield bare
    family = _undated(model)
    if family != model:
        yield family


def _undated(model: str) -> str:
    name = model.partition("@")[0]
    head, _, tail = name.rpartition("-")
    if head and (tail == "latest" or (len(tail) == 8 and tail.isdecimal())):
        return head
    year, month, day = name[-_DATED + 1 : -6], name[-5:-3], name[-2:]
    if len(name) > _DATED and name[-_DATED] == name[-6] == name[-3] == "-" and (year + month + day).isdecimal():
        return name[:-_DATED]
    return name
