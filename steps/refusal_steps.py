"""Required content of the answer to a request that must be refused."""

from behave import then
from hamcrest import assert_that

from support.capacity import checks as capacity
from support.capacity.shortage import shortage_of
from support.checks import answers, refusals
from support.checks.refusals import REFUSALS, is_refused_because
from support.gherkin.words import register_choice
from support.model.fields import SUBJECTS

register_choice(
    Subject=SUBJECTS,
    Refusal=REFUSALS,
    Unknown={"address": "address", "method": "method"},
    RefusalPart={
        "what is missing and what to do": lambda world: refusals.names_what_is_missing(world.product.fibre.metadata()),
        "every address that is allowed": lambda world: refusals.names_every_address(world.cluster.client.nodes()),
        "everything that is short": lambda world: capacity.names_the_shortage(shortage_of(world.cluster.client)),
    },
)


@then("the request is refused because of its {about:Subject}")
def refused_because_of(context, about):
    limits, statuses = context.world.limits, context.world.environment.refusal_statuses
    context.refused = about
    assert_that(context.attempt.answer, answers.is_refused(statuses, context.refused.names, limits.refusal_s))


@then("the request is refused because {reason:Refusal}")
def refused_because(context, reason):
    assert_that(context.attempt.answer, is_refused_because(reason, context.world.environment))


@then("the request is answered that no recording was found")
def no_recording_found(context):
    assert_that(context.attempt.answer, answers.says_no_recording_was_found())


@then("the refusal names the field, its value and what is allowed")
def says_what_to_do(context):
    request = context.attempt.request
    wrong, highest = context.refused.wrong_values(request), refusals.highest_of(context.world.limits)
    assert_that(context.attempt.answer, answers.says_what_to_do(wrong, highest, refusals.lowest_of(request)))


@then("the refusal names {what:RefusalPart}")
def refusal_names(context, what):
    assert_that(context.attempt.answer, what(context.world))


@then("the server does not know the {what:Unknown}")
def does_not_know(context, what):
    assert_that(context.attempt.answer, answers.the_server_does_not_know(what))
