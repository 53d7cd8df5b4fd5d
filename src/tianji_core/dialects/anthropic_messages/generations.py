"""What a Claude model accepts, read from its name.

Source: Anthropic's model, thinking and migration pages, read 2026-11-24. A name that says Claude but no version is taken for the newest,
a name that says neither (another vendor's model behind this dialect) for the oldest that thinks.
"""

import re

import msgspec

from tianji_core.calls.deployment import Deployment

_NEW_STYLE = re.compile(r"claude-([a-z]+)-(\d{1,2})(?:[-.](\d{1,2}))?(?!\d)")
_OLD_STYLE = re.compile(r"claude-(\d{1,2})(?:[-.](\d{1,2}))?(?!\d)(?:-([a-z]+))?")
_ALWAYS_THINKING = frozenset({"fable", "mythos"})
_NEWEST = (99, 0)
_OTHER_VENDOR = (3, 7)


class Generation(msgspec.Struct, frozen=True):
    """A family (`opus`, `sonnet`, …) and a version."""

    family: str
    version: tuple[int, int]

    @property
    def thinks(self) -> bool:
        """Whether the model can think at all."""
        return self.version >= (3, 7)

    @property
    def is_adaptive(self) -> bool:
        """It decides by itself how much to think, steered by an effort."""
        return self.version >= (4, 6)

    @property
    def is_only_adaptive(self) -> bool:
        """It refuses a thinking budget."""
        return self.version >= (4, 7)

    @property
    def always_thinks(self) -> bool:
        """It refuses to have thinking switched off."""
        return self.family in _ALWAYS_THINKING

    @property
    def takes_xhigh(self) -> bool:
        """It knows the effort `xhigh`."""
        return self.version >= (4, 7)

    @property
    def refuses_forced_tools(self) -> bool:
        """Its thinking is mandatory, and a forced tool choice contradicts that."""
        least = (5, 1) if self.always_thinks else (5, 5)
        return self.version >= least and self.family != "haiku"

    @property
    def refuses_sampling(self) -> bool:
        """It takes no `top_p`, no `top_k` and no temperature but 1."""
        return self.version >= (4, 7)

    @property
    def has_structured_output(self) -> bool:
        """It takes `output_config.format` and strict tools."""
        return self.version >= (4, 5)


def generation_of(deployment: Deployment) -> Generation:
    """Return the generation of a deployment's model; `base_model` in its information stands for the name where it is set."""
    base = deployment.info("base_model")
    return parse_generation(base if isinstance(base, str) and base else deployment.model)


def parse_generation(model: str) -> Generation:
    """Return the generation that a model name tells, in either order of family and version."""
    new = _NEW_STYLE.search(model)
    if new is not None:
        return Generation(new[1], (int(new[2]), int(new[3] or 0)))
    old = _OLD_STYLE.search(model)
    if old is not None:
        return Generation(old[3] or "", (int(old[1]), int(old[2] or 0)))
    if "claude" in model:
        family = re.search(r"claude-([a-z]+)", model)
        return Generation(family[1] if family else "", _NEWEST)
    return Generation("", _OTHER_VENDOR)
