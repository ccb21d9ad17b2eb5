"""Metadata of open investigations, and the tasks of the future interface."""

from behave import given, then, when
from hamcrest import assert_that

from support.checks import metadata
from support.gherkin.words import register_choice
from support.product.metadata import Metadata

register_choice(
    TaskPart={"rows of its waterfall": Metadata.rows_of, "the metadata of the task": Metadata.of_task},
)


@when("another client asks for its metadata")
def read_metadata(context):
    context.reading = context.world.product.metadata.read(context.earlier.job_id)


@when("another client reads its metadata again and again")
def poll_metadata(context):
    context.readings = context.world.capacity.polling.metadata(context.earlier.job_id)


@when("a client asks for the metadata of an investigation that was never opened")
def ask_for_unknown(context):
    context.attempt = context.world.product.metadata.ask_for_unknown()


@then("its metadata can be read within their deadline")
def metadata_are_ready(context):
    context.answer = context.world.product.metadata.when_ready(context.investigation.job_id)


@then("they tell the same as the answer that opened it")
def tell_the_same(context):
    assert_that(context.answer, metadata.tells_the_same_as(context.investigation.opened))


@then("they tell the same as the answer that opened it each time")
def tell_the_same_each_time(context):
    assert_that(context.readings, metadata.tell_the_same_each_time(context.earlier.opened))


@then("reading them does not become slower")
def are_read_as_fast(context):
    assert_that(context.readings, metadata.are_read_as_fast_as_at_first())


@then("the answer has the documented form")
def has_documented_form(context):
    assert_that(context.reading, metadata.has_its_documented_form())


@when("a client configures a task under a name of its own")
def configure_task(context):
    context.task, context.reading = context.world.product.metadata.configure_task()


@given("a task that a client has configured")
def given_task(context):
    context.task, _ = context.world.product.metadata.configure_task()


@when("the client fetches {part:TaskPart}")
def fetch(context, part):
    context.reading = part(context.world.product.metadata, context.task)
