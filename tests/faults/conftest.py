"""Keeps the tests that run whole stacks on one xdist worker: two stacks at once on two cores only slow each other."""

from pathlib import Path

import pytest


@pytest.hookimpl(tryfirst=True)  # before xdist writes the groups into the ids
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Group them with the end-to-end tests, and give each the time a recovery takes."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("stack"))
            if item.get_closest_marker("timeout") is None:
                item.add_marker(pytest.mark.timeout(600))
