"""The Focus Server as a process: restarted, broken, and asked by clients of every kind."""

from behave import given, then, when
from hamcrest import assert_that

from support.checks import answers, server
from support.model import requests
from support.model.windows import Source, times_of
from support.product.rough_clients import TOO_LARGE_BYTES


@given("an environment without any open investigation")
def nothing_open(context):
    context.world.effects.assert_none_open()


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


@given("an opening that failed because the cluster took no further job")
def given_failed_opening(context):
    context.world.cluster.occupancy.forbid_jobs()
    context.world.investigations.fail_to_open()
    context.world.cluster.occupancy.free()


@given("a live investigation that could not be opened")
def given_refused(context):
    context.world.investigations.fail_to_open()


@then("the request is refused because the cluster takes no further job")
def refused_for_the_cluster(context):
    expected = answers.is_refused({503}, ("job", "quota"), context.world.limits.refusal_s)
    assert_that(context.attempt.answer, expected)


@when("a client asks twice for a live investigation")
def ask_twice_live(context):
    context.attempts = context.world.investigations.attempt_twice(requests.live())
    context.attempt = context.attempts[0]


@when("a client asks twice for a window {window}")
def ask_twice_historic(context, window):
    times = times_of(window, Source(context.world.recordings.index, context.subject))
    context.attempts = context.world.investigations.attempt_twice(requests.historic(times))
    context.attempt = context.attempts[0]


@then("both requests are answered alike and without a failure of the server")
def answered_alike(context):
    first, second = context.attempts
    assert_that((first.answer, second.answer), server.are_answered_alike())


@when("a client leaves in the middle of its request")
def leave_half_way(context):
    context.world.product.rough_clients.leave_half_way()


@when("a client sends its request little by little")
def send_little_by_little(context):
    context.exchange = context.world.product.rough_clients.send_little_by_little()


@when("a client sends a request that is far too large")
def send_far_too_much(context):
    context.attempt = context.world.investigations.attempt(requests.live_of_bytes(TOO_LARGE_BYTES))


@when("many clients ask at once whether the server is alive")
def ask_all_at_once(context):
    context.outcomes = context.world.product.rough_clients.ask_all_at_once()


@then("the server goes on answering")
def goes_on_answering(context):
    context.world.product.server.assert_goes_on_answering()


@then("the others are answered in time meanwhile")
def others_are_answered(context):
    assert_that(context.exchange.others, server.are_all_told(context.world.product.rough_clients.usual_s))


@then("the slow client is answered too")
def slow_client_is_answered(context):
    assert_that(context.exchange.own, server.is_served())


@then("the request is refused because of its size")
def refused_for_size(context):
    statuses = {413, *context.world.environment.refusal_statuses}
    expected = answers.is_refused(statuses, ("large", "size"), context.world.limits.refusal_s)
    assert_that(context.attempt.answer, expected)


@then("every one of them is told so")
def everybody_is_told(context):
    assert_that(context.outcomes, server.are_all_told(context.world.product.rough_clients.patience_s))
