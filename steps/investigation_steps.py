"""Requests for investigations of every kind, their opening, and the required content of the answer."""

from behave import given, register_type, then, when
from hamcrest import assert_that
from parse import with_pattern

from support.checks import answers, configuration, fibre
from support.gherkin.words import register_choice
from support.investigations.earlier import EarlierInvestigations
from support.model import requests
from support.model.variations import PLACES
from support.model.wanted import WANTED_WORDS, Wanted
from support.model.windows import Source

register_type(Wanted=with_pattern(WANTED_WORDS)(Wanted))
register_choice(
    Place=PLACES,
    Past={
        "was opened and released": EarlierInvestigations.opened_and_released,
        "has finished and was cleaned up": EarlierInvestigations.finished_and_cleaned_up,
        "has lost its job": EarlierInvestigations.with_a_lost_job,
        "was left half open": EarlierInvestigations.left_half_open,
    },
    JobState={
        "is running": EarlierInvestigations.with_a_running_job,
        "waits for a GPU slice": EarlierInvestigations.with_a_waiting_job,
    },
    AnswerPart={
        "the view that was asked for": configuration.has_the_view_of,
        "one stream": lambda request: configuration.has_streams(1),
        "the channels asked for, each on one of its streams": configuration.channels_agree_with,
        "the frequencies asked for": configuration.frequencies_agree_with,
        "lines that divide the time axis": configuration.lines_agree_with,
    },
    Named={
        "the job by its slot and serial number": lambda world: answers.identifies_a_job(),
        "a job id that was never used before in this run": lambda world: answers.is_new_among(
            world.investigations.job_ids[:-1]
        ),
        "a stream URL that leads to a node of the cluster": lambda world: answers.streams_from(
            world.cluster.client.nodes()
        ),
        "a stream URL that leads to the configured address": lambda world: answers.streams_from_address(
            world.product.server_configuration.stream_address()
        ),
        "a stream port that is a port number": lambda world: answers.has_a_port_number(),
        "the fibre as the server describes it": lambda world: fibre.shows(world.product.fibre.metadata()),
    },
)


@when("a client opens {wanted:Wanted}")
def open_investigation(context, wanted):
    source = Source(context.world.recordings.index, context.subject)
    context.investigation = context.world.investigations.open(wanted.fields(source, context.world.limits))


@when("a client opens and leaves alone {wanted:Wanted}")
def open_without_client(context, wanted):
    source = Source(context.world.recordings.index, context.subject)
    fields = wanted.fields(source, context.world.limits)
    context.investigation = context.world.investigations.open(fields, connect=False)


@when("several clients open a live investigation at one moment")
def open_at_one_moment(context):
    context.openings = context.world.investigations.open_at_one_moment()


@when("a client asks for a live investigation and leaves before it is answered")
def ask_and_leave(context):
    context.attempt = context.world.investigations.unanswered(context.world.product.rough_clients.leave_unanswered)


@when("a client asks for {wanted:Wanted}")
def ask_for(context, wanted):
    source = Source(context.world.recordings.index, context.subject)
    context.attempt = context.world.investigations.attempt(wanted.request(source, context.world.limits))


@when("a client asks for the channel after the last one that the server tells")
def ask_beyond_the_last_channel(context):
    last = context.world.product.information.highest_channel()
    context.attempt = context.world.investigations.attempt(requests.with_channels(last, last + 1))


@when("a client asks twice for {wanted:Wanted}")
def ask_twice_for(context, wanted):
    source = Source(context.world.recordings.index, context.subject)
    request = wanted.fields(source, context.world.limits)
    context.attempts = context.world.investigations.attempt_twice(request)
    context.attempt = context.attempts[0]


@when("a client addresses the request for an investigation {place:Place}")
def ask_elsewhere(context, place):
    context.attempt = context.world.investigations.attempt_elsewhere(place)


@given("an open investigation")
def given_open(context):
    context.earlier = context.world.investigations.open_live()


@given("an investigation that {happened:Past}")
def given_past(context, happened):
    context.earlier = happened(context.world.earlier)


@given("an open investigation whose job {state:JobState}")
def given_open_with_job(context, state):
    context.investigation, context.view = state(context.world.earlier)


@then("the investigation opens")
def investigation_opens(context):
    assert_that(context.attempt.answer, answers.opens())


@then("it opens with {part:AnswerPart}")
def opens_with(context, part):
    assert_that(context.attempt.answer, answers.opens())
    assert_that(context.attempt.answer.opened(), part(context.attempt.fields))


@then("the second answer shows the same, with a job of its own")
def shows_the_same(context):
    first, second = context.attempts
    assert_that(first.answer, answers.opens())
    assert_that(second.answer, answers.opens_like(first.answer.opened()))


@then("the answer names {what:Named}")
def answer_names(context, what):
    assert_that(context.investigation.opened, what(context.world))


@then("the answer describes the recording as the index does")
def describes_the_recording(context):
    recorded = context.world.recordings.index.metadata_touching(context.investigation.attempt.fields)
    assert_that(context.investigation.opened, fibre.shows_a_recording_of(recorded))


@then("it is given the same slot and the same port")
def same_slot_and_port(context):
    assert_that(context.investigation.opened, answers.has_slot_and_port_of(context.earlier.opened))


@then("every answer names a job and a port of its own")
def each_its_own(context):
    assert_that(context.openings.each, answers.are_all_different())


@then("nothing of it is left within the limit for idle investigations")
def nothing_is_left_of_it(context):
    context.world.effects.wait_until_nothing_is_left(context.attempt)


@then("nothing is left of the investigation that was half open")
def nothing_is_left_half_open(context):
    context.world.cluster.jobs.wait_until_gone(context.earlier.job_id, "release_s")


@then("it is the only job that was started")
def only_job_started(context):
    context.world.effects.hold_only_job_started(context.investigation)


@then("nothing is started")
def nothing_is_started(context):
    context.world.effects.hold_nothing_started(context.attempt)
