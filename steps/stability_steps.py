"""The server over a long time."""

from behave import then, when
from hamcrest import assert_that

from support.stability import steady_state as stability


@when("investigations are opened and released at intervals for a long time")
def live(context):
    context.lifetime = context.world.capacity.stability.live()


@then("enough of them have opened")
def enough_opened(context):
    context.world.capacity.stability.opened_often_enough(context.lifetime).enforce()


@then("the server was never restarted")
def never_restarted(context):
    assert_that(context.lifetime, stability.was_never_restarted())


@then("its memory does not grow")
def memory_does_not_grow(context):
    context.world.capacity.stability.keeps_its_memory(context.lifetime).enforce()


@then("it does not become slower")
def does_not_become_slower(context):
    context.world.capacity.stability.stays_fast(context.lifetime).enforce()


@then("nothing is left of what was opened")
def nothing_is_left(context):
    assert_that(context.lifetime, stability.left_nothing_behind())
