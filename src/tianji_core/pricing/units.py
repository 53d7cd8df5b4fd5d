"""What is billed, and which rate pays for it.

Rates have the names of the price table's fields. A missing rate falls back along its chain: a cached token costs what a fresh one costs
where no cache rate is published, an image token what a text token costs. An explicit 0 is a rate and ends the chain.
"""

from typing import Literal

import msgspec

Component = Literal["input", "cache_read", "cache_write", "output", "tools", "other"]

INPUT = "input_cost_per_token"
OUTPUT = "output_cost_per_token"
REASONING = "output_cost_per_reasoning_token"
CACHE_READ = "cache_read_input_token_cost"
CACHE_WRITE = "cache_creation_input_token_cost"
CACHE_WRITE_1H = "cache_creation_input_token_cost_above_1hr"
REQUEST = "input_cost_per_request"
WEB_SEARCHES = "web_searches"
SEARCH_SIZES = ("low", "medium", "high")
DEFAULT_SEARCH_SIZE = "medium"

LEGACY_SPELLINGS = {"input_cost_per_token_cache_hit": CACHE_READ}

# Rates for one kind of token, each with the text rate that stands in where it is missing.
KINDS = (
    (REASONING, OUTPUT),
    ("input_cost_per_audio_token", INPUT),
    ("input_cost_per_image_token", INPUT),
    ("input_cost_per_video_token", INPUT),
    ("output_cost_per_audio_token", OUTPUT),
    ("output_cost_per_image_token", OUTPUT),
    ("output_cost_per_video_token", OUTPUT),
)

TOKEN_RATES = (INPUT, OUTPUT, CACHE_READ, CACHE_WRITE, CACHE_WRITE_1H, *(kind for kind, _ in KINDS))


class TokenLine(msgspec.Struct, frozen=True):
    """A bucket of `Usage`, the part of the bill it belongs to, and the rates that may pay for it, the nearest first."""

    bucket: str
    component: Component
    rates: tuple[str, ...]


class PieceLine(msgspec.Struct, frozen=True):
    """Something of `Usage.units` that is billed by piece: `rate` USD for each `per` of them."""

    unit: str
    component: Component
    rate: str
    per: int = 1


TOKEN_LINES = (
    TokenLine("input_text", "input", (INPUT,)),
    TokenLine("cache_read", "cache_read", (CACHE_READ, INPUT)),
    TokenLine("cache_write", "cache_write", (CACHE_WRITE, INPUT)),
    TokenLine("cache_write_5m", "cache_write", (CACHE_WRITE, INPUT)),
    TokenLine("cache_write_1h", "cache_write", (CACHE_WRITE_1H, CACHE_WRITE, INPUT)),
    TokenLine("input_audio", "input", ("input_cost_per_audio_token", INPUT)),
    TokenLine("input_image", "input", ("input_cost_per_image_token", INPUT)),
    TokenLine("input_video", "input", ("input_cost_per_video_token", INPUT)),
    TokenLine("output_text", "output", (OUTPUT,)),
    TokenLine("reasoning", "output", (REASONING, OUTPUT)),
    TokenLine("output_audio", "output", ("output_cost_per_audio_token", OUTPUT)),
    TokenLine("output_image", "output", ("output_cost_per_image_token", OUTPUT)),
    TokenLine("output_video", "output", ("output_cost_per_video_token", OUTPUT)),
)

PIECE_LINES = (
    *(PieceLine(f"{WEB_SEARCHES}_{size}", "tools", f"search_context_size_{size}") for size in SEARCH_SIZES),
    PieceLine("maps_queries", "tools", "google_maps_grounding_cost_per_query"),
    PieceLine("file_searches", "tools", "file_search_cost_per_1k_calls", per=1000),
    PieceLine("code_interpreter_sessions", "tools", "code_interpreter_cost_per_session"),
    PieceLine("citation_tokens", "other", "citation_cost_per_token"),
)

FREE_UNITS = frozenset({"web_fetches"})
