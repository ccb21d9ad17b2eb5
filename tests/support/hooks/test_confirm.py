"""A shared site is neither loaded nor disrupted before its name was given as confirmation."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from support.config import Environment, load_environment
from support.hooks.confirm import NotConfirmed, say_what_it_does

LOAD, QUIET = ["JL", "load"], ["JL", "smoke"]


@pytest.fixture
def local() -> Environment:
    """An environment that permits only load. Loading its file contacts no system."""
    return load_environment("local", overrides={})


def test_a_run_that_loads_says_so_and_wants_the_name(local: Environment, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(
        NotConfirmed, match="will open up to 200 investigations at once on .* -D confirm=local .*CONFIRM"
    ):
        say_what_it_does(local, [QUIET, LOAD], {}, {})
    with pytest.raises(NotConfirmed, match="-D confirm=local, not staging"):
        say_what_it_does(local, [LOAD], {"confirm": "staging"}, {})
    assert capsys.readouterr().out == ""
    for userdata, variables in (({"confirm": "local"}, {}), ({}, {"FOCUS_CONFIRM": "local"})):
        say_what_it_does(local, [LOAD], userdata, variables)
        assert capsys.readouterr().out.startswith("this run will open up to 200 investigations at once on ")


@pytest.mark.parametrize("tags", [QUIET, ["disruptive"], ["writes_database"]])
def test_what_does_nothing_or_will_be_skipped_needs_no_word(
    local: Environment, tags: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    say_what_it_does(local, [tags], {}, {})
    assert capsys.readouterr().out == ""


def test_a_sandbox_needs_no_word(capsys: pytest.CaptureFixture[str]) -> None:
    say_what_it_does(load_environment("sandbox", overrides={}), [LOAD, ["disruptive"]], {}, {})
    assert capsys.readouterr().out == ""


def test_only_who_names_a_site_may_load_it(local: Environment) -> None:
    """The clients get this result, no matter which tags the selected scenarios have."""
    assert say_what_it_does(local, [QUIET], {}, {}) is False
    assert say_what_it_does(local, [QUIET], {"confirm": "staging"}, {}) is False
    assert say_what_it_does(local, [QUIET], {"confirm": "local"}, {}) is True
    assert say_what_it_does(local, [LOAD], {}, {"FOCUS_CONFIRM": "local"}) is True
    assert say_what_it_does(load_environment("sandbox", overrides={}), [QUIET], {}, {}) is True


def test_what_is_skipped_at_this_hour_needs_no_word() -> None:
    now = datetime.now(UTC)
    hours = f"{now + timedelta(hours=2):%H:%M}-{now + timedelta(hours=3):%H:%M} UTC"
    site = load_environment("local", overrides={"FOCUS__SAFETY__LOAD_BETWEEN": hours})
    assert say_what_it_does(site, [LOAD], {}, {}) is False
