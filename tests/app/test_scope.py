"""A call can be cancelled from outside, and has tasks only where its answer is streamed."""

import anyio
import anyio.lowlevel
import pytest

from tianji_app.call.scope import CallScope

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("stream", [True, False])
async def test_what_runs_is_cancelled_and_left(*, stream: bool) -> None:
    scope = CallScope()
    await scope.enter(stream=stream)
    scope.cancel()
    cancelled = anyio.get_cancelled_exc_class()
    try:
        with pytest.raises(cancelled):
            await anyio.sleep(5)
    finally:
        await scope.leave()
    await anyio.lowlevel.checkpoint()


async def test_streamed_call_has_tasks_and_a_whole_one_has_none() -> None:
    whole, streamed = CallScope(), CallScope()
    await whole.enter(stream=False)
    await streamed.enter(stream=True)
    assert (whole.tasks, streamed.tasks is None) == (None, False)
    await streamed.leave()
    await whole.leave()


async def test_before_and_after_there_is_nothing_to_cancel() -> None:
    scope = CallScope()
    scope.cancel()
    await scope.enter(stream=False)
    await scope.leave()
    scope.cancel()
    await anyio.lowlevel.checkpoint()
