"""Outages: what is taken away, the answers to clients meanwhile, and the state afterwards."""

from behave import given, then, when
from hamcrest import assert_that

from support.checks import outages, server
from support.gherkin.words import register_choice
from support.model import requests
from support.model.windows import Source, times_of
from support.resilience.links import DISTURBANCES
from support.resilience.outages import Outages
from support.resilience.parts import MONGODB, RABBITMQ, SERVER

register_choice(
    Part={MONGODB: MONGODB, RABBITMQ: RABBITMQ, SERVER: SERVER},
    Stopped={
        "MongoDB is": (MONGODB,),
        "RabbitMQ is": (RABBITMQ,),
        "the server is": (SERVER,),
        "MongoDB, RabbitMQ and the server are": (MONGODB, RABBITMQ, SERVER),
    },
    Away={"stopped": Outages.stop_mongodb, "cut off": Outages.cut_off},
    Disturbance=DISTURBANCES,
    Crashed={"it is": "one part", "each of them is": "each part"},
    Reopened={
        "the same request": ("refused", lambda context: context.attempt.request),
        "that window": ("historic", lambda context: requests.historic(context.times)),
        "a live investigation": ("live", lambda context: requests.live()),
    },
    Starts={
        "not started again": Outages.assert_server_not_started_again,
        "started once": Outages.assert_server_started_once,
    },
    Kept={
        "every recording that it held, and none twice": outages.holds_what_it_held,
        "the collections and indexes that it had": outages.has_the_structure_of,
    },
)


@given("a window of recorded data")
def window_of_recorded_data(context):
    context.times = times_of("over recorded data", Source(context.world.recordings.index, None))


@given("{parts:Stopped} stopped")
def stop(context, parts):
    context.world.resilience.outages.stop(*parts)


@given("MongoDB is cut off")
def cut_off(context):
    context.world.resilience.outages.cut_off()


@given("between the server and MongoDB, {disturbance:Disturbance}")
def disturb(context, disturbance):
    context.world.resilience.outages.disturb(disturbance)


@given("a request for it that was refused while MongoDB was {away:Away}")
def refused_meanwhile(context, away):
    away(context.world.resilience.outages)
    context.attempt = context.world.investigations.attempt(requests.historic(context.times))
    expected = outages.is_refused_because_mongodb_is_away(context.world.limits.outage_answer_s)
    assert_that(context.attempt.answer, expected)


@given("a server that was started while MongoDB was stopped")
def started_without_mongodb(context):
    context.world.resilience.outages.stop(MONGODB)
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


@when("{part:Part} is back")
def is_back(context, part):
    context.world.resilience.outages.end()


@when("clients ask for recordings, and others whether the server is alive")
def ask_meanwhile(context):
    context.outcomes = context.world.resilience.meanwhile.ask_for_recordings_and_for_life()


@when("MongoDB is stopped while many clients open that window one after the other")
def stop_in_the_middle(context):
    context.interrupted = context.world.resilience.meanwhile.open_while_mongodb_stops(context.times)


@when("the server crashes while many clients open live investigations one after the other")
def crash_in_the_middle(context):
    context.interrupted, context.crashes = context.world.resilience.meanwhile.open_while_server_crashes()


@when("{one:Part} and {other:Part} crash at the same time")
def crash_both(context, one, other):
    context.crashes = context.world.resilience.outages.crash(one, other)


@when("{part:Part} crashes")
def crash(context, part):
    context.crashes = context.world.resilience.outages.crash(part)


@when("{first:Part}, {second:Part} and {third:Part} are started one after the other")
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


@then("the server was {started:Starts}")
def was_started(context, started):
    started(context.world.resilience.outages)


@then("{reopened:Reopened} opens within its deadline")
def opens_again(context, reopened):
    name, request = reopened
    context.world.resilience.recovery.wait_until_opens(name, request(context))


@then("the server answers within its deadline")
def answers_again(context):
    context.world.resilience.recovery.wait_until_alive()


@then("the broker lets the product in again within its deadline")
def broker_lets_in_again(context):
    context.world.resilience.recovery.wait_until_broker_lets_in(context.world.infrastructure.broker.log_in)


@then("{crashed:Crashed} replaced within its deadlines")
def are_replaced(context, crashed):
    context.replacements = context.world.resilience.outages.wait_until_replaced(context.crashes)


@then("its replacement bears the same name")
def same_name(context):
    assert_that(context.replacements, outages.bears_the_names_of(context.crashes[0].before))


@then("{part:Part} runs as often as before")
def as_often_as_before(context, part):
    context.world.resilience.outages.assert_runs_as_often_as_before(part)


@then("the index has {kept:Kept}")
def has_kept(context, kept):
    assert_that(context.world.resilience.recovery.index_after_outage(), kept(context.index_before))


@then("some of them were opened and the others refused because MongoDB is away")
def in_the_middle(context):
    context.world.resilience.meanwhile.assert_came_in_the_middle(context.interrupted)


@then("some of them were opened and the others got no answer")
def cut_short(context):
    context.world.resilience.meanwhile.assert_cut_short(context.interrupted)


@then("in the end each of them is fully open or fully absent")
def all_or_nothing_in_the_end(context):
    context.world.resilience.meanwhile.assert_all_or_nothing_in_the_end(context.interrupted)


@then("each of them is fully open or fully absent")
def all_or_nothing(context):
    context.world.resilience.meanwhile.assert_all_or_nothing(context.interrupted)


@then("its job has run all the time")
def ran_all_the_time(context):
    context.world.cluster.jobs.hold(context.investigation.job_id, outages.has_run_all_the_time(context.view.pod))
