"""Outages: what is taken away, what clients are told meanwhile, and what is there again afterwards."""

from behave import given, then, when
from hamcrest import assert_that

from support.checks import outages, server
from support.model import requests
from support.model.windows import Source, times_of


@given("a window of recorded data")
def window_of_recorded_data(context):
    context.times = times_of("over recorded data", Source(context.world.recordings.index, None))


@given("MongoDB, RabbitMQ and the server are stopped")
def stop_everything(context):
    context.world.resilience.outages.stop("MongoDB")
    context.world.resilience.outages.stop("RabbitMQ")
    context.world.resilience.outages.stop("the server")


@given("{part} is stopped")
def stop(context, part):
    context.world.resilience.outages.stop(part)


@given("MongoDB is cut off")
def cut_off(context):
    context.world.resilience.outages.cut_off()


@given("between the server and MongoDB, {what_happens}")
def disturb(context, what_happens):
    context.world.resilience.outages.disturb(what_happens)


@given("a request for it that was refused while MongoDB was {away}")
def refused_meanwhile(context, away):
    context.world.resilience.outages.make(away)
    context.attempt = context.world.investigations.attempt(requests.historic(context.times))
    expected = outages.is_refused_because_mongodb_is_away(context.world.limits.outage_answer_s)
    assert_that(context.attempt.answer, expected)


@given("a server that was started while MongoDB was stopped")
def started_without_mongodb(context):
    context.world.resilience.outages.stop("MongoDB")
    context.world.product.server.restart_and_wait()


@given("the recording index as it is now")
def index_as_it_is(context):
    context.index_before = context.world.resilience.recovery.index_state()


@given("an open historic investigation whose job is running")
def open_historic_running(context):
    times = times_of("over recorded data", Source(context.world.recordings.index, None))
    context.investigation = context.world.investigations.open_historic(times)
    context.view = context.world.cluster.jobs.wait_until_running(context.investigation.job_id)


@when("a client asks for that window")
def ask_for_that_window(context):
    context.attempt = context.world.investigations.attempt(requests.historic(context.times))


@when("{part} is back")
def is_back(context, part):
    context.world.resilience.outages.end()


@when("clients ask for recordings, and others whether the server is alive")
def ask_meanwhile(context):
    context.outcomes = context.world.resilience.meanwhile.ask_for_recordings_and_for_life()


@when("MongoDB is stopped while many clients open that window one after the other")
def stop_in_the_middle(context):
    context.interrupted = context.world.resilience.meanwhile.open_while_mongodb_stops(context.times)


@when("{one} and {other} crash at the same time")
def crash_both(context, one, other):
    context.crashes = context.world.resilience.outages.crash(one, other)


@when("{part} crashes")
def crash(context, part):
    context.crashes = context.world.resilience.outages.crash(part)


@when("{first}, {second} and {third} are started one after the other")
def start_in_order(context, first, second, third):
    context.world.resilience.outages.start(first, second, third)


@then("the request is refused because MongoDB is away")
def refused_for_mongodb(context):
    expected = outages.is_refused_because_mongodb_is_away(context.world.limits.outage_answer_s)
    assert_that(context.attempt.answer, expected)


@then("it is answered in time, and not with a failure of the server")
def answered_in_time(context):
    assert_that(context.attempt.answer, outages.is_no_failure_of_the_server(context.world.limits.outage_answer_s))


@then("everybody who asked for it is told in time that it is alive")
def told_meanwhile(context):
    assert_that(context.outcomes, server.are_all_told(context.world.product.server.answers_within_s))


@then("the server was not started again")
def not_started_again(context):
    context.world.resilience.outages.assert_server_not_started_again()


@then("the server was started once")
def started_once(context):
    context.world.resilience.outages.assert_server_started_once()


@then("the same request opens within its deadline")
def same_request_opens(context):
    context.world.resilience.recovery.wait_until_refused_opens(context.attempt.request)


@then("that window opens within its deadline")
def window_opens(context):
    context.world.resilience.recovery.wait_until_historic_opens(context.times)


@then("a live investigation opens within its deadline")
def live_opens(context):
    context.world.resilience.recovery.wait_until_live_opens()


@then("the server answers within its deadline")
def answers_again(context):
    context.world.resilience.recovery.wait_until_alive()


@then("it is replaced within its deadlines")
def is_replaced(context):
    context.replacements = context.world.resilience.outages.wait_until_replaced(context.crashes)


@then("each of them is replaced within its deadlines")
def are_replaced(context):
    context.replacements = context.world.resilience.outages.wait_until_replaced(context.crashes)


@then("its replacement bears the same name")
def same_name(context):
    assert_that(context.replacements, outages.bears_the_names_of(context.crashes[0].before))


@then("{part} runs as often as before")
def as_often_as_before(context, part):
    context.world.resilience.outages.assert_runs_as_often_as_before(part)


@then("the index holds every recording that it held, and none twice")
def holds_what_it_held(context):
    assert_that(
        context.world.resilience.recovery.index_after_outage(), outages.holds_what_it_held(context.index_before)
    )


@then("the index has the collections and indexes that it had")
def structure_is_the_same(context):
    assert_that(
        context.world.resilience.recovery.index_after_outage(), outages.has_the_structure_of(context.index_before)
    )


@then("some of them were opened and the others refused because MongoDB is away")
def in_the_middle(context):
    context.world.resilience.meanwhile.assert_came_in_the_middle(context.interrupted)


@then("each of them is fully open or fully absent")
def all_or_nothing(context):
    context.world.resilience.meanwhile.assert_all_or_nothing(context.interrupted)


@then("its job has run all the time")
def ran_all_the_time(context):
    context.world.cluster.jobs.hold(context.investigation.job_id, outages.has_run_all_the_time(context.view.pod))
