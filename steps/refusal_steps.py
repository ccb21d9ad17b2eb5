"""What the answer to a request that must be refused says."""

from behave import then
from hamcrest import assert_that

from support.checks import answers


@then("the request is refused because of its time range")
def refused_for_time_range(context):
    limits, statuses = context.world.limits, context.world.environment.refusal_statuses
    expected = answers.is_refused(statuses, ("start_time", "end_time"), limits.refusal_s)
    assert_that(context.attempt.answer, expected)


@then("the request is refused because no fibre is connected")
def refused_for_fibre(context):
    expected = answers.is_refused({503}, ("fiber", "fibre"), context.world.limits.refusal_s)
    assert_that(context.attempt.answer, expected)


@then("the request is refused because of the configured stream address")
def refused_for_stream_address(context):
    expected = answers.is_refused({503}, ("stream address",), context.world.limits.refusal_s)
    assert_that(context.attempt.answer, expected)


@then("the request is answered that no recording was found")
def no_recording_found(context):
    assert_that(context.attempt.answer, answers.says_no_recording_was_found())


@then("the refusal names the field, its value and what is allowed")
def says_what_to_do(context):
    assert_that(context.attempt.answer, answers.says_what_to_do(context.attempt.times))
