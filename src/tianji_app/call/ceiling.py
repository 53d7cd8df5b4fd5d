"""What a call can cost at most, whichever of its candidates serves it."""

from collections.abc import Sequence
from dataclasses import dataclass

from tianji_app.snapshot import Snapshot
from tianji_core.calls.deployment import Deployment
from tianji_core.limits.holds import Tokens
from tianji_core.pricing.bound import bound_nano
from tianji_core.pricing.request_size import RequestSize, input_tokens, output_tokens

ESTIMATED_OUTPUT_TOKENS = 1_024
"""What a limit of tokens holds for an answer without a limit of its own: the model's maximum would leave room for one call."""

LEAST_OUTPUT_TOKENS = 1_024
"""A shorter answer than this is not worth having: the call is refused instead."""


@dataclass(frozen=True, slots=True)
class Ceiling:
    """One request, its candidates, and their prices."""

    size: RequestSize
    candidates: tuple[Deployment, ...]
    snapshot: Snapshot

    def nano(self, counted: int | None = None, output: int | None = None) -> int:
        """Return the bound of the dearest candidate, in nano-USD; one without a price costs nothing.

        Args:
            counted: The tokens of the request by our own tokenizer.
            output: Tokens of all answers together, in place of what the request allows.
        """
        return max((self._bound(candidate, counted, output) for candidate in self.candidates), default=0)

    def tokens(self, counted: int | None = None) -> Tokens:
        """Return what a limit of tokens holds."""
        if not self.candidates:
            return Tokens()
        given = max(input_tokens(self.size, candidate, counted) for candidate in self.candidates)
        each = 0 if self.size.is_embedding else self.size.output if self.size.output is not None else ESTIMATED_OUTPUT_TOKENS
        return Tokens(input=given if counted is None else min(given, counted), output=each * self.size.prompts)

    @property
    def least_output(self) -> int | None:
        """The shortest limit of one answer that we set; None where the caller set one, or no answer is that long."""
        if self.size.output is not None or self.size.is_embedding:
            return None
        return LEAST_OUTPUT_TOKENS if self._most_output() > LEAST_OUTPUT_TOKENS * self.size.prompts else None

    def output_for(self, left_nano: int, counted: int) -> int | None:
        """Return the limit of one answer that so much money pays for; None where it would be too short, or the caller set one."""
        if self.size.output is not None or self.size.is_embedding:
            return None
        most = self._most_output()
        least, dearest = self.nano(counted, 0), self.nano(counted, most)
        if dearest <= least or left_nano <= least:
            return None
        affordable = (left_nano - least) * most // (dearest - least) // self.size.prompts
        while affordable >= LEAST_OUTPUT_TOKENS and self.nano(counted, affordable * self.size.prompts) > left_nano:
            affordable -= max(1, affordable // 64)
        return affordable if affordable >= LEAST_OUTPUT_TOKENS else None

    def _most_output(self) -> int:
        return max((self._output(candidate) for candidate in self.candidates), default=0)

    def _output(self, candidate: Deployment) -> int:
        return output_tokens(self.size, candidate, self.snapshot.config.general.default_max_output_tokens)

    def _bound(self, candidate: Deployment, counted: int | None, output: int | None) -> int:
        entry = self.snapshot.prices.resolve(candidate, None)
        if entry is None:
            return 0
        return bound_nano(
            self.size,
            entry,
            given=input_tokens(self.size, candidate, counted),
            answered=self._output(candidate) if output is None else output,
            provider=candidate.provider,
            model=candidate.model,
            adjustments=self.snapshot.adjustments,
            tier=self.size.tier,
            makes_media=self.size.makes_media,
        )


def ceiling_of(size: RequestSize, candidates: Sequence[Deployment], snapshot: Snapshot) -> Ceiling:
    """Return the ceiling of a request of this size."""
    return Ceiling(size, tuple(candidates), snapshot)
