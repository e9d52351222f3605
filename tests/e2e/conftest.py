"""One running product for all end-to-end tests of a session; tests that kill parts start their own."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from sandbox.message import Message
from sandbox.stack import Stack


@pytest.hookimpl(tryfirst=True)  # before xdist writes the groups into the ids
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run those that share the session's stack one after another: its server stands still while others run.

    A module with a stack of its own is a group of its own.
    """
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("words" if item.path.name == "test_words.py" else "e2e"))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """The whole product on the sample model."""
    async with Stack(tmp_path_factory.mktemp("stack")) as running:
        running.server.world.ack_s = 30
        yield running


@pytest.fixture
def posted(stack: Stack) -> Callable[[dict[str, Any]], Awaitable[Message]]:
    """The message with an errand's pictures, once the bot knows of it too: its status message links there."""

    async def known(line: dict[str, Any]) -> Message:
        world = stack.server.world
        await world.wait_for(lambda m: m.is_by_bot and f"/{line['message_id']}" in m.content)
        message = world.message(int(line["message_id"]))
        assert message is not None
        return message

    return known
