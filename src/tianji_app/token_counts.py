"""Counting tokens as the configuration says: by the tokenizer, or by nothing but the number of bytes."""

from dataclasses import dataclass

from tianji_app.snapshot import Snapshot
from tianji_core.ports.token_counter import TokenCounter
from tianji_core.translation.token_text import encoding_of

_BYTES_OF_A_TOKEN = 4


@dataclass(slots=True)
class ConfiguredCounter:
    """A token counter that can be switched off. Follows the snapshot."""

    tokenizer: TokenCounter
    is_off: bool = False

    def follow(self, snapshot: Snapshot) -> None:
        """Take over `general_settings.tokenizer`."""
        self.is_off = snapshot.config.general.tokenizer == "off"

    async def count(self, text: str, encoding: str) -> int:
        """Return how many tokens a text has; without a tokenizer a quarter of its bytes, rounded up."""
        if self.is_off:
            return -(-len(text.encode(errors="surrogatepass")) // _BYTES_OF_A_TOKEN)
        return await self.tokenizer.count(text, encoding)


async def warm_up(counter: TokenCounter, snapshot: Snapshot) -> None:
    """Load what the deployments need where the configuration asks for it at the start (`eager`), so that no call waits for it."""
    if snapshot.config.general.tokenizer == "eager":
        for encoding in sorted({encoding_of(deployment.model) for deployment in snapshot.config.deployments}):
            await counter.count("", encoding)
