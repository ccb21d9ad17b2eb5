"""The Focus Server as a process: restarted, broken, and asked by clients of every kind."""

from behave import given, then, when
from hamcrest import assert_that

from support.checks import answers, server
from support.gherkin.words import register_choice
from support.model import requests
from support.model.windows import Source, times_of
from support.product.rough_clients import RoughClients

register_choice(
    RoughRequest={
        "half of its request and leaves": RoughClients.leave_half_way,
        "its request little by little": RoughClients.send_little_by_little,
    },
)


@given("an environment without any open investigation")
def nothing_open(context):
    context.world.effects.wait_until_none_open()


@given("a server that was just restarted")
def given_restarted(context):
    context.restart = context.world.product.server.restart_and_wait()


@when("the server is restarted")
def restart(context):
    context.restart = context.world.product.server.restart()


@when("the server is started with a broken configuration, which is then put back")
def start_broken(context):
    context.broken_log, context.restart = context.world.product.server.start_broken()


@then("it is ready and answers within its deadline")
def is_ready(context):
    context.servers = context.world.product.server.wait_until_ready(context.restart)


@then("it was not restarted again while it started")
def was_started_once(context):
    assert_that(context.servers, server.were_not_restarted())


@then("its log tells of no error since it started")
def log_is_clean(context):
    assert_that(context.world.product.server.log(context.restart), server.tells_of_no_error())


@then("it has reached the recording index")
def has_reached_the_index(context):
    times = times_of("in which nothing was recorded", Source(context.world.recordings.index, None))
    attempt = context.world.investigations.attempt(requests.historic(times))
    assert_that(attempt.answer, answers.says_no_recording_was_found())


@then("its log said what is wrong with the configuration")
def log_names_the_mistake(context):
    assert_that(context.broken_log, server.says_what_is_wrong_with_the_configuration())


@given("a cluster that takes no further job")
def forbid_jobs(context):
    context.world.cluster.occupancy.forbid_jobs()


@given("a cluster that gives no further port")
def forbid_ports(context):
    context.world.cluster.occupancy.forbid_ports()


@given("an opening that failed because the cluster took no further job")
def given_failed_opening(context):
    context.world.cluster.occupancy.forbid_jobs()
    context.world.investigations.fail_to_open()
    context.world.cluster.occupancy.free()


@given("a live investigation that could not be opened")
def given_refused(context):
    context.world.investigations.fail_to_open()


@then("both requests are answered alike and without a failure of the server")
def answered_alike(context):
    first, second = context.attempts
    assert_that((first.answer, second.answer), server.are_answered_alike())


@when("a client sends {what:RoughRequest}")
def send(context, what):
    context.exchange = what(context.world.product.rough_clients)


@when("many clients ask at once whether the server is alive")
def ask_all_at_once(context):
    context.outcomes = context.world.product.rough_clients.ask_all_at_once()


@then("the server goes on answering")
def goes_on_answering(context):
    context.world.product.server.hold_answering()


@then("the others are answered in time meanwhile")
def others_are_answered(context):
    assert_that(context.exchange.others, server.are_all_told(context.world.product.rough_clients.usual_s))


@then("the slow client is answered too")
def slow_client_is_answered(context):
    assert_that(context.exchange.own, server.is_served())


@then("every one of them is told so")
def everybody_is_told(context):
    assert_that(context.outcomes, server.are_all_told(context.world.product.rough_clients.patience_s))
