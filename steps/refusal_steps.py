"""What the answer to a request that must be refused says."""

from behave import register_type, then
from hamcrest import assert_that
from parse import with_pattern

from support.checks import answers
from support.model.fields import SUBJECT_WORDS, subject

register_type(Subject=with_pattern(SUBJECT_WORDS)(subject))


@then("the request is refused because of its {about:Subject}")
def refused_because_of(context, about):
    limits, statuses = context.world.limits, context.world.environment.refusal_statuses
    context.refused = about
    assert_that(context.attempt.answer, answers.is_refused(statuses, context.refused.names, limits.refusal_s))


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
    wrong = context.refused.wrong_values(context.attempt.request)
    assert_that(context.attempt.answer, answers.says_what_to_do(wrong))


@then("the server does not know the {what}")
def does_not_know(context, what):
    assert_that(context.attempt.answer, answers.the_server_does_not_know(what))
