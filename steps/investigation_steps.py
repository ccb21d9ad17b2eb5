"""Opening investigations, and what the answer must say."""

from behave import given, then, when
from hamcrest import assert_that

from support.checks import answers
from support.model import requests
from support.model.windows import Source, times_of


@when("a client opens a live investigation")
def open_live(context):
    context.investigation = context.world.investigations.open_live()


@when("a client opens a live investigation and never connects to it")
def open_live_without_client(context):
    context.investigation = context.world.investigations.open_live(connect=False)


@when("a client opens a historic investigation {window}")
def open_historic(context, window):
    times = times_of(window, Source(context.world.recordings.index, context.subject))
    context.investigation = context.world.investigations.open_historic(times)


@when("a client asks for a live investigation")
def ask_for_live(context):
    context.attempt = context.world.investigations.attempt(requests.live())


@when("a client asks for a window {window}")
def ask_for_window(context, window):
    times = times_of(window, Source(context.world.recordings.index, context.subject))
    context.attempt = context.world.investigations.attempt(requests.historic(times))


@given("an open investigation")
def given_open(context):
    context.earlier = context.world.investigations.open_live()


@given("an investigation that was opened and released")
def given_released(context):
    context.earlier = context.world.investigations.open_and_release()


@given("a finished investigation that was cleaned up")
def given_finished(context):
    times = times_of("over a few seconds of recorded data", Source(context.world.recordings.index, None))
    context.earlier = context.world.investigations.open_historic(times)
    context.world.cluster.jobs.wait_until_gone(context.earlier.job_id, "finished_cleanup_s")


@given("an open investigation whose job is running")
def given_running(context):
    context.investigation, context.view = context.world.investigations.open_running()


@then("the answer names the job by its slot and serial number")
def identifies_a_job(context):
    assert_that(context.investigation.opened, answers.identifies_a_job())


@then("its job id was never used before in this run")
def job_id_is_new(context):
    earlier = context.world.investigations.job_ids[:-1]
    assert_that(context.investigation.opened, answers.is_new_among(earlier))


@then("its stream URL leads to a node of the cluster")
def streams_from_a_node(context):
    assert_that(context.investigation.opened, answers.streams_from(context.world.cluster.client.nodes()))


@then("its stream URL leads to the configured address")
def streams_from_the_configured_address(context):
    configured = context.world.product.server_configuration.stream_address()
    assert_that(context.investigation.opened, answers.streams_from_address(configured))


@then("its stream port is a port number")
def port_is_a_number(context):
    assert_that(context.investigation.opened, answers.has_a_port_number())


@then("it is given the same slot and the same port")
def same_slot_and_port(context):
    assert_that(context.investigation.opened, answers.has_slot_and_port_of(context.earlier.opened))


@then("it is the only job that was started")
def only_job_started(context):
    context.world.effects.assert_only_job_started(context.investigation)


@then("nothing is started")
def nothing_is_started(context):
    context.world.effects.assert_nothing_is_started(context.attempt)
