"""Asking for investigations of every kind, and what the answer to one that opens must say."""

from behave import then, when
from hamcrest import assert_that

from support.checks import answers, configuration
from support.model.variations import place, request_with


@when("a client asks for an investigation with {variation}")
def ask_with(context, variation):
    request = request_with(variation, context.world.limits)
    context.attempt = context.world.investigations.attempt(request)


@when("a client addresses the request for an investigation {words}")
def ask_elsewhere(context, words):
    context.attempt = context.world.investigations.attempt_elsewhere(place(words))


@then("the investigation opens")
def investigation_opens(context):
    assert_that(context.attempt.answer, answers.opens())


@then("it opens in the view that was asked for")
def opens_in_its_view(context):
    assert_that(context.attempt.answer, answers.opens())
    assert_that(context.attempt.answer.opened(), configuration.has_the_view_of(context.attempt.fields))


@then("it opens with one stream")
def opens_with_one_stream(context):
    assert_that(context.attempt.answer, answers.opens())
    assert_that(context.attempt.answer.opened(), configuration.has_streams(1))


@then("its frequencies are those asked for")
def frequencies_agree(context):
    assert_that(context.attempt.answer.opened(), configuration.frequencies_agree_with(context.attempt.fields))


@then("its channels are those asked for, each on one of its streams")
def channels_agree(context):
    assert_that(context.attempt.answer.opened(), configuration.channels_agree_with(context.attempt.fields))


@then("its lines divide the time axis")
def lines_agree(context):
    assert_that(context.attempt.answer.opened(), configuration.lines_agree_with(context.attempt.fields))
