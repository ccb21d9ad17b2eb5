from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.sandbox.node.estate import Estate


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estate]:
    with Estate(tmp_path_factory.mktemp("estate")) as estate:
        yield estate


@pytest.fixture
def estate(running: Estate) -> Estate:
    """The estate, reset to its state after the start."""
    running.set_faults()
    running.reset()
    running.node.events.clear()
    return running
