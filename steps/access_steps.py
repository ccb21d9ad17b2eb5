"""Layer 5: the access path of an engineer to the cluster."""

from behave import then, when
from hamcrest import assert_that

from support.checks import hosts
from support.gherkin.words import register_choice
from support.infrastructure.access import AccessExamination

register_choice(
    Host={
        "the jump host": AccessExamination.jump_host,
        "the target host through the jump host": AccessExamination.target_host,
    },
    HostFact={
        "as itself, without any complaint": hosts.answers_as_itself,
        "with the versions of the cluster's tools": hosts.has_the_tools,
    },
)


@when("an engineer logs in to {host:Host}")
def log_in(context, host):
    context.seen = host(context.world.infrastructure.access)


@then("the host answers {fact:HostFact}")
def host_answers(context, fact):
    assert_that(context.seen, fact())
