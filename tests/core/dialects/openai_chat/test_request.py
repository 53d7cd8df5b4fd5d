"""A client's chat completion request, decoded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tianji_core.calls.chat import ChatRequest, File, FunctionTool, Image, Message, Opaque, Text, Thinking, ToolCall
from tianji_core.errors import InvalidRequestError
from tianji_core.surfaces.openai_chat import SURFACE


def _decode(**body: object) -> ChatRequest:
    full = {"model": "m", "messages": [{"role": "user", "content": "hi"}], **body}
    request = SURFACE.codec.decode(full, None, ()).request
    assert isinstance(request, ChatRequest)
    return request


def _message(**message: object) -> Message:
    return _decode(messages=[message]).messages[0]


def test_plain_text_and_parameters_arrive_where_they_belong() -> None:
    request = _decode(
        temperature=1, max_completion_tokens=5, stop="END", seed=7, user="u", stream=True, stream_options={"include_usage": True}
    )
    assert request.messages == (Message(role="user", parts=(Text(text="hi"),), plain=True),)
    assert (request.max_output_tokens, request.max_output_tokens_field, request.stop) == (5, "max_completion_tokens", ("END",))
    assert (request.end_user, request.stream, request.include_usage) == ("u", True, True)
    assert request.parameters == {"temperature": 1, "seed": 7}
    assert request.rest is None


def test_unknown_parameters_are_kept_and_control_fields_are_not() -> None:
    request = _decode(top_k=3, guided_json={"a": 1}, num_retries=0, tags=["x"], timeout=3, drop_params=True)
    assert request.rest is not None
    assert request.rest.fields == {"top_k": 3, "guided_json": {"a": 1}}


def test_controls_are_read() -> None:
    decoded = SURFACE.codec.decode(
        {"model": "m", "messages": [{"role": "user", "content": "x"}], "num_retries": 1, "fallbacks": ["b"], "metadata": {"tags": ["t"]}},
        None,
        (("x-litellm-timeout", "2.5"),),
    )
    controls = decoded.controls
    assert (controls.num_retries, controls.fallbacks, controls.timeout_seconds, controls.tags) == (1, ("b",), 2.5, ("t",))


def test_data_url_becomes_data_and_other_urls_stay() -> None:
    parts = _message(
        role="user",
        content=[
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD", "detail": "low"}},
            {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
            {"type": "file", "file": {"file_data": "data:application/pdf;base64,QUJD", "filename": "a.pdf"}},
            {"type": "video_url", "video_url": {"url": "https://example.com/a.mp4"}},
        ],
    ).parts
    assert parts[0] == Image(data="QUJD", media_type="image/png", detail="low")
    assert parts[1] == Image(url="https://example.com/a.png")
    assert parts[2] == File(data="QUJD", media_type="application/pdf", filename="a.pdf")
    assert parts[3] == Opaque(dialect="openai_chat", value={"type": "video_url", "video_url": {"url": "https://example.com/a.mp4"}})


def test_thinking_blocks_come_first_and_tool_calls_last() -> None:
    message = _message(
        role="assistant",
        content="ok",
        reasoning_content="hm",
        thinking_blocks=[{"type": "thinking", "thinking": "hm", "signature": "s"}],
        tool_calls=[{"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}],
    )
    assert message.parts == (
        Thinking(text="hm", signature="s"),
        Text(text="ok"),
        ToolCall(id="c1", name="f", arguments='{"a":1}'),
    )


def test_functions_of_old_clients_are_tools_and_their_results_find_their_call() -> None:
    request = _decode(
        functions=[{"name": "f", "parameters": {"type": "object"}}],
        function_call={"name": "f"},
        messages=[
            {"role": "user", "content": "x"},
            {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
            {"role": "function", "name": "f", "content": "done"},
        ],
    )
    assert request.tools == (FunctionTool(name="f", parameters={"type": "object"}),)
    call = request.messages[1].tool_calls[0]
    assert request.messages[2].role == "tool"
    assert request.messages[2].tool_call_id == call.id


@pytest.mark.parametrize(
    ("body", "param", "code"),
    [
        ({"messages": None}, "messages", "missing_required_parameter"),
        ({"messages": []}, "messages", "invalid_value"),
        ({"messages": "hi"}, "messages", "invalid_type"),
        ({"messages": [1]}, "messages.[0]", "invalid_type"),
        ({"messages": [{"content": "x"}]}, "messages.[0].role", "missing_required_parameter"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages.[0].role", "invalid_value"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages.[0].content", "invalid_type"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages.[0].content.[0].text", "missing_required_parameter"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages.[0].tool_call_id", "missing_required_parameter"),
        ({"temperature": "hot"}, "temperature", "invalid_type"),
        ({"n": 0}, "n", "invalid_value"),
        ({"max_tokens": -1}, "max_tokens", "invalid_value"),
        ({"stream": "yes"}, "stream", "invalid_type"),
        ({"stream_options": {"include_usage": True}}, "stream_options", "invalid_value"),
        ({"tools": [{"type": "function"}]}, "tools.[0].function", "missing_required_parameter"),
        ({"tool_choice": "sometimes"}, "tool_choice", "invalid_value"),
        ({"response_format": {"type": "xml"}}, "response_format.type", "invalid_value"),
        ({"stop": ["a", 1]}, "stop.[1]", "invalid_type"),
        ({"mock_response": "x"}, "mock_response", None),
        ({"guardrails": ["pii"]}, "guardrails", "unsupported_parameter"),
    ],
)
def test_bad_field_is_named_as_openai_names_it(body: dict[str, object], param: str, code: str | None) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        _decode(**body)
    assert (caught.value.param, caught.value.code) == (param, code)


def test_model_of_the_path_wins_and_one_of_them_must_be_there() -> None:
    messages = [{"role": "user", "content": "x"}]
    assert SURFACE.codec.decode({"messages": messages}, "from-path", ()).request.model == "from-path"
    with pytest.raises(InvalidRequestError) as caught:
        SURFACE.codec.decode({"messages": messages}, None, ())
    assert caught.value.param == "model"


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["user", "tool", "text", "function", "auto", ""]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["role", "content", "type", "text", "function", "name", "tool_calls", "id", "image_url"]), inner, max_size=4
        )
    ),
    max_leaves=15,
)
_NAMES = st.sampled_from(
    [
        "model",
        "messages",
        "tools",
        "tool_choice",
        "functions",
        "stop",
        "response_format",
        "stream",
        "stream_options",
        "user",
        "metadata",
        "n",
    ]
)


@pytest.mark.promise("bad-input-answered")
@given(st.dictionaries(_NAMES, _JSON, max_size=8))
def test_any_object_is_decoded_or_refused_with_a_path(body: dict[str, object]) -> None:
    try:
        assert isinstance(SURFACE.codec.decode(body, "m", ()).request, ChatRequest)
    except InvalidRequestError as error:
        assert error.param  # noqa: PT017 - both outcomes are right
