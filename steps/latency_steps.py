"""Answer times of the server."""

from behave import then, when
from hamcrest import assert_that

from support.checks.verdict import passes
from support.gherkin.words import register_choice
from support.latency.answers import Latency
from support.model.windows import Source, times_of

register_choice(
    Question={
        "requests for a live investigation": Latency.openings,
        "the health checks of one client": Latency.health_checks,
        "the health checks of many clients at once": Latency.health_checks_at_once,
        "questions for the channels": Latency.channels,
        "questions for the fibre": Latency.live_metadata,
    },
    LatencyLimit={
        "an opening": Latency.openings_are_fast,
        "a health check": Latency.health_checks_are_fast,
        "many health checks at once": Latency.health_checks_at_once_are_fast,
        "a health check among openings": Latency.health_checks_at_once_are_fast,
        "the channels": Latency.channels_are_fast,
        "the description of the fibre": Latency.live_metadata_are_fast,
    },
)


@when("the answers to {question:Question} are timed")
def time_answers(context, question):
    context.answers = question(context.world.capacity.latency)


@when("the answers to the health checks of one client are timed while many investigations open")
def time_health_checks_under_load(context):
    context.answers = context.world.capacity.under_load.health_checks()


@when("an engineer examines the speed of the recording index while many investigations open")
def examine_speed_under_load(context):
    times = times_of("over recorded data", Source(context.world.recordings.index, None))
    index = context.world.infrastructure.mongodb
    context.seen = context.world.capacity.under_load.index_speed(index, times)


@then("they come within the limit for {limit:LatencyLimit}")
def come_in_time(context, limit):
    assert_that(limit(context.world.capacity.latency, context.answers), passes())


@then("they come as fast as in the earlier runs")
def not_slower(context):
    assert_that(context.world.capacity.latency.are_as_fast_as_before(context.answers), passes())
