"""The server over a long time."""

from behave import then, when
from hamcrest import assert_that

from support.checks.verdict import passes
from support.gherkin.words import register_choice
from support.stability.steady_state import Stability

register_choice(
    Steadiness={
        "enough of them opened": Stability.opened_often_enough,
        "the server was never restarted": Stability.was_never_restarted,
        "its memory did not grow": Stability.keeps_its_memory,
        "it did not become slower": Stability.stays_fast,
        "nothing of theirs was left": Stability.left_nothing_behind,
    },
)


@when("investigations are opened and released at intervals for a long time")
def live(context):
    context.lifetime = context.world.capacity.stability.live()


@then("in all that time {steadiness:Steadiness}")
def in_all_that_time(context, steadiness):
    assert_that(steadiness(context.world.capacity.stability, context.lifetime), passes())
