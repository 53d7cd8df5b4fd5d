"""What TianJi must reach, as ratios within one run."""

from dataclasses import dataclass

from benchmarks.peers.ratios import Ratio, Spread, figure, of, of_added, quotient, within


@dataclass(frozen=True, slots=True)
class Target:
    """One bound. `at_least` says on which side of it the median must be."""

    row: int
    words: str
    ratio: Ratio
    bound: float
    at_least: bool

    def is_met(self, measured: Spread) -> bool:
        """Whether the median is on the right side."""
        return measured.middle >= self.bound if self.at_least else measured.middle <= self.bound

    def missed_by(self, measured: Spread) -> float:
        """Return by which part of the bound it is missed, 0 where it is met."""
        return 0.0 if self.is_met(measured) else abs(measured.middle - self.bound) / self.bound


def _least(row: int, words: str, ratio: Ratio, bound: float) -> Target:
    return Target(row, words, ratio, bound, at_least=True)


def _most(row: int, words: str, ratio: Ratio, bound: float) -> Target:
    return Target(row, words, ratio, bound, at_least=False)


def _translated_to_nginx(one: object) -> float | None:
    return quotient(figure(one, "tianji", "translated_cpu_us"), figure(one, "nginx", "stream_cpu_us"))  # type: ignore[arg-type]


TARGETS = (
    _least(1, "answers per second ÷ nginx", of("json_rps", "tianji", "nginx"), 0.12),
    _least(1, "answers per second × LiteLLM", of("json_rps", "tianji", "litellm"), 50),
    _most(2, "processor time per call ÷ nginx", of("json_cpu_us", "tianji", "nginx"), 8),
    _most(3, "added p50, one connection × nginx", of_added("call_p50_us", "tianji", "nginx"), 2.2),
    _least(3, "LiteLLM's added p50 ÷ ours", of_added("call_p50_us", "litellm", "tianji"), 25),
    _most(4, "p99 ÷ p50 at 64 connections", within("tianji", "json_p99_us", "json_p50_us"), 2.5),
    _most(5, "first byte of a stream, added p50 × nginx", of_added("first_byte_us", "tianji", "nginx"), 4),
    _most(6, "processor time per stream ÷ nginx", of("stream_cpu_us", "tianji", "nginx"), 5),
    _most(6, "  the same, translated from Anthropic", _translated_to_nginx, 8),
    _least(7, "streams per second, event by event ÷ nginx", of("split_rps", "tianji", "nginx"), 0.8),
    _least(7, "  the same × LiteLLM", of("split_rps", "tianji", "litellm"), 50),
    _most(8, "processor time per paced event ÷ nginx", of("paced_cpu_us", "tianji", "nginx"), 3.5),
    _least(8, "  LiteLLM's ÷ ours", of("paced_cpu_us", "litellm", "tianji"), 15),
    _most(9, "paced event's delay p50 ÷ LiteLLM's", of("paced_p50_us", "tianji", "litellm"), 0.5),
    _most(9, "paced event's delay p99 ÷ LiteLLM's", of("paced_p99_us", "tianji", "litellm"), 0.5),
    _most(10, "start ÷ LiteLLM's", of("start_s", "tianji", "litellm"), 1 / 5),
    _most(10, "first start, empty folder ÷ LiteLLM's", of("start_empty_s", "tianji", "litellm"), 1 / 4),
    _most(11, "memory at rest ÷ LiteLLM's", of("idle_mb", "tianji", "litellm"), 1 / 3),
    _most(11, "memory after the run ÷ at rest", within("tianji", "after_mb", "idle_mb"), 1.25),
    _least(12, "general transport: answers per second × LiteLLM", of("json_rps", "tianji-httpx", "litellm"), 4),
    _most(12, "  processor time at 64 connections ÷ at 8", within("tianji-httpx", "json_cpu_us_64", "json_cpu_us_8"), 1.5),
)
