"""What the comparison has to know of a gateway: how it is installed, started, and asked."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.peers.question import Request, Way, openai_request
from benchmarks.peers.servers import Command

MODEL = "gpt-4o-mini"
KEY = "sk-benchmark-0123456789abcdef"
PROVIDER_KEY = "sk-provider-of-the-benchmark"


@dataclass(slots=True)
class Site:
    """Where one gateway runs in one round.

    Attributes:
        folder: Its own, empty before its first start; the second start finds there what the first left.
        provider: Port of the mock provider.
        key: What callers send.
        remarks: What is to be said beside its row, as far as only the run shows it.
    """

    folder: Path
    port: int
    provider: int
    key: str = KEY
    remarks: list[str] = field(default_factory=list)

    def upstream(self, way: Way) -> str:
        """Return the base URL of the provider that streams in this way."""
        return f"http://127.0.0.1:{self.provider}/{way}/v1"


class Peer(ABC):
    """One row.

    Attributes:
        note: What it leaves out, or has on.
        connections: With how many it is loaded; the better figure counts.
        patience: How many times as long it is loaded; a slow one answers too little in the time of the others.
        paced_streams: How many paced streams it can hold at once.
        checks_key: Whether a wrong key must be refused.
        streams: Whether it is measured with streams too.
    """

    name: str
    note: str = ""
    connections: tuple[int, ...] = (64,)
    patience: int = 1
    paced_streams: int = 200
    checks_key: bool = True
    streams: bool = True

    @abstractmethod
    def install(self) -> str:
        """Install it where it is not, and return its version."""

    @abstractmethod
    def command(self, site: Site) -> Command | None:
        """Return how it is started, after its configuration is written; None where nothing stands between caller and provider."""

    @abstractmethod
    def question(self, site: Site, way: Way, *, streamed: bool, key: str | None = None) -> Request:
        """Return the call as this gateway's callers make it, with another key than theirs if one is given."""

    def translated(self, site: Site) -> Request | None:
        """Return the call in Anthropic's dialect to the same provider, or None where the gateway cannot."""
        return None

    def first(self, site: Site) -> Request:
        """Return the call that tells that it has started."""
        return self.question(site, "burst", streamed=False)

    def set_up(self, site: Site) -> None:  # noqa: B027 - most have nothing to set up
        """Do what is done once, after the first start."""

    def check(self, site: Site) -> None:  # noqa: B027 - most have nothing to check
        """Check after all calls that it did what its row says.

        Raises:
            BrokenExchangeError: it did not.
        """


def bearer(key: str) -> dict[str, str]:
    """Return the header of a key."""
    return {"authorization": f"Bearer {key}"}


def by_model(site: Site, way: Way, *, streamed: bool, key: str | None) -> Request:
    """Return the call to a gateway that finds the provider by the model's name."""
    url = f"http://127.0.0.1:{site.port}/v1/chat/completions"
    return openai_request(url, f"{MODEL}-{way}", bearer(key or site.key), streamed=streamed)
