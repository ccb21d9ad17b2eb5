"""The way of an engineer to the cluster: layer 5."""

from behave import then, when
from hamcrest import assert_that

from support.infrastructure import access as checks
from support.infrastructure.mongodb import counts_no_more_than_before


@when("an engineer logs in to the jump host")
def log_in_to_jump_host(context):
    context.host = context.world.infrastructure.access.jump_host()


@when("an engineer logs in to the target host through the jump host")
def log_in_to_target_host(context):
    context.host = context.world.infrastructure.access.target_host()


@when("an engineer logs in to the target host and leaves again")
def log_in_and_leave(context):
    context.connections = context.world.infrastructure.access.connections_after_leaving()


@then("the host answers as itself, without any complaint")
def host_answers(context):
    assert_that(context.host, checks.answers_as_itself())


@then("the tools of the cluster tell their versions")
def tools_are_there(context):
    assert_that(context.host, checks.has_the_tools())


@then("logging in took no longer than its limit")
def login_was_quick(context):
    assert_that(context.host, context.world.infrastructure.access.logs_in_quickly())


@then("the target host counts no connection more than before")
def nothing_left_open(context):
    assert_that(context.connections, counts_no_more_than_before())
