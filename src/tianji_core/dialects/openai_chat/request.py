"""A chat completion request as clients send it, decoded. Source: OpenAI's Python SDK, `CompletionCreateParams`.

Fields that OpenAI documents are type-checked; unknown ones stay in `rest` and travel on verbatim.
"""

from tianji_core.calls.chat import ChatRequest, Reasoning
from tianji_core.calls.http import Headers
from tianji_core.dialects.openai_chat.messages import decode_messages
from tianji_core.dialects.openai_chat.parts import DIALECT, rest_of
from tianji_core.dialects.openai_chat.tools import decode_response_format, decode_tool_choice, decode_tools
from tianji_core.wire.fields import Fields

PARAMETERS = {
    "audio": "object",
    "frequency_penalty": "number",
    "logit_bias": "object",
    "logprobs": "boolean",
    "metadata": "object",
    "modalities": "array",
    "moderation": "object",
    "n": "integer",
    "prediction": "object",
    "presence_penalty": "number",
    "prompt_cache_key": "string",
    "prompt_cache_options": "object",
    "prompt_cache_retention": "string",
    "safety_identifier": "string",
    "seed": "integer",
    "service_tier": "string",
    "store": "boolean",
    "temperature": "number",
    "top_logprobs": "integer",
    "top_p": "number",
    "verbosity": "string",
    "web_search_options": "object",
}


def decode_request(body: Fields, model: str, forward_headers: Headers = ()) -> ChatRequest:
    """Return the canonical request; `model` was taken before, from the body or the path.

    Raises:
        InvalidRequestError: a field is missing or has the wrong type; `param` is its path.
    """
    messages = decode_messages(body)
    tokens, tokens_field = take_max_tokens(body)
    stream = body.boolean("stream") or False
    include_usage, stream_rest = _stream_options(body, stream=stream)
    tools = decode_tools(body)
    request = ChatRequest(
        dialect=DIALECT,
        model=model,
        messages=messages,
        tools=tools,
        tool_choice=decode_tool_choice(body),
        parallel_tool_calls=body.boolean("parallel_tool_calls"),
        max_output_tokens=tokens,
        max_output_tokens_field=tokens_field,
        stop=take_stop(body),
        response_format=decode_response_format(body),
        reasoning=_reasoning(body),
        stream=stream,
        include_usage=include_usage,
        end_user=body.text("user"),
        parameters=take_parameters(body, PARAMETERS),
        extra_body=body.mapping("extra_body") or {},
        forward_headers=forward_headers,
        rest=rest_of({**body.values, **stream_rest}),
    )
    _check_ranges(body, request)
    return request


def take_max_tokens(body: Fields) -> tuple[int | None, str | None]:
    """Take the output limit under either name; the newer one wins."""
    newer = body.integer("max_completion_tokens")
    older = body.integer("max_tokens")
    value, field = (newer, "max_completion_tokens") if newer is not None else (older, "max_tokens")
    if value is not None and value < 1:
        raise body.invalid(field, "expected an integer of at least 1")
    return value, field if value is not None else None


def take_stop(body: Fields) -> tuple[str, ...]:
    """Take `stop`: a string, or a list of them."""
    value = body.values.get("stop")
    if isinstance(value, str):
        text = body.text("stop")
        return (text,) if text else ()
    return body.texts("stop")


def take_parameters(body: Fields, kinds: dict[str, str]) -> dict[str, object]:
    """Take the parameters that are there, each with its type checked."""
    found: dict[str, object] = {}
    for name, kind in kinds.items():
        value = body.integer(name) if kind == "integer" else body.take(name, kind)
        if value is not None:
            found[name] = value
    return found


def _stream_options(body: Fields, *, stream: bool) -> tuple[bool, dict[str, object]]:
    options = body.mapping("stream_options")
    if options is None:
        return False, {}
    if not stream:
        raise body.invalid("stream_options", "it is only allowed when `stream` is true")
    inner = body.inside(options, "stream_options")
    include_usage = inner.boolean("include_usage") or False
    return include_usage, ({"stream_options": inner.values} if inner.values else {})


def _reasoning(body: Fields) -> Reasoning | None:
    value = body.values.get("reasoning_effort")
    if isinstance(value, dict):  # some clients send the Responses form
        effort = body.inside(body.mapping("reasoning_effort") or {}, "reasoning_effort").text("effort")
    else:
        effort = body.text("reasoning_effort")
    return Reasoning(effort=effort) if effort is not None else None


def _check_ranges(body: Fields, request: ChatRequest) -> None:
    choices = request.parameters.get("n")
    if isinstance(choices, int) and not 1 <= choices <= 128:
        raise body.invalid("n", "expected an integer from 1 to 128")
