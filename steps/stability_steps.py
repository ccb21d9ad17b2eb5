"""The server over a long time."""

from behave import then, when
from hamcrest import assert_that

from support.checks.verdict import passes
from support.gherkin.words import register_choice
from support.model import requests
from support.model.windows import Source, times_of
from support.stability import patterns
from support.stability.steady_state import Stability

register_choice(
    Pattern={
        "at intervals for a long time": patterns.at_intervals,
        "steadily": patterns.steadily,
        "in growing numbers": patterns.in_growing_numbers,
        "in a sudden rush": patterns.in_a_rush,
        "without a pause": patterns.without_a_pause,
    },
    Steadiness={
        "enough of them opened": Stability.opened_often_enough,
        "the server was never restarted": Stability.was_never_restarted,
        "its memory did not grow": Stability.keeps_its_memory,
        "it did not become slower": Stability.stays_fast,
        "nothing of theirs was left": Stability.left_nothing_behind,
    },
)


@when("investigations are opened and released {pattern:Pattern}")
def live(context, pattern):
    context.lifetime = context.world.capacity.stability.live(pattern)


@when("historic investigations are opened and released {pattern:Pattern}")
def live_historic(context, pattern):
    times = times_of("over recorded data", Source(context.world.recordings.index, None))
    context.lifetime = context.world.capacity.stability.live(pattern, requests.historic(times))


@then("in all that time {steadiness:Steadiness}")
def in_all_that_time(context, steadiness):
    assert_that(steadiness(context.world.capacity.stability, context.lifetime), passes())
