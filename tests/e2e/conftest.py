"""One running product for all end-to-end tests of a session; tests that kill parts start their own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from sandbox.stack import Stack


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep these tests on one xdist worker: two stacks at once on two cores only slow each other down."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("stack"))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """The whole product on the sample model."""
    async with Stack(tmp_path_factory.mktemp("stack")) as running:
        yield running
