"""Recordings: specimens in the index, and the list a client is given."""

from datetime import timedelta

from behave import given, then, when
from hamcrest import assert_that

from support.checks import recordings as checks
from support.gherkin.words import register_choice
from support.model.recordings import STALE_AFTER, Recordings
from support.model.windows import Source, times_of

register_choice(
    Specimen={
        "a recording": Recordings.isolated,
        "a deleted recording": Recordings.deleted_alone,
        "a stale recording": Recordings.add_stale,
    },
    OpenFor={
        "a little less than a day": STALE_AFTER - timedelta(minutes=10),
        "a little more than a day": STALE_AFTER + timedelta(minutes=10),
    },
    Listing={
        "listed": checks.lists,
        "left out": checks.leaves_out,
    },
)


@given("{specimen:Specimen} with nothing else around it")
def lonely_recording(context, specimen):
    context.subject = specimen(context.world.recordings.index)


@given("a recording that has been open for {time:OpenFor}")
def open_recording(context, time):
    context.subject = context.world.recordings.index.add_open_for(time)


@when("a client lists the recordings of a window {window}")
def list_recordings(context, window):
    times = times_of(window, Source(context.world.recordings.index, context.subject))
    context.attempt = context.world.clients.list_recordings(times)


@then("exactly the recordings that touch the window are listed")
def listed_exactly(context):
    expected = context.world.recordings.index.touching(context.attempt.times)
    assert_that(context.attempt.answer, checks.lists_all_of(expected))


@then("this recording is {listing:Listing}")
def this_one_listed(context, listing):
    assert_that(context.attempt.answer, listing(context.subject))


@then("they are listed in the order of their start")
def listed_in_order(context):
    assert_that(context.attempt.answer, checks.lists_in_order())


@then("the list of recordings is empty")
def list_is_empty(context):
    assert_that(context.attempt.answer, checks.lists_exactly([]))
