from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.sandbox.estate.test_lifecycle import Up


@pytest.fixture(scope="session")
def usual_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """A sandbox with the default settings, shared by all tests of this process for which a reset is enough."""
    with Up(tmp_path_factory.mktemp("usual") / "run.json") as started:
        yield started


@pytest.fixture(scope="module")
def up(usual_sandbox: Up) -> Up:
    """The shared sandbox, reset to its state after the start."""
    usual_sandbox.control("POST", "/reset")
    return usual_sandbox
