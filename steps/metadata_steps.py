"""Metadata of open investigations, and the tasks of the future interface."""

from behave import given, then, when
from hamcrest import assert_that

from support.checks import answers, metadata


@when("another client asks for its metadata")
def read_metadata(context):
    context.reading = context.world.product.metadata.read(context.earlier.job_id)


@when("a client asks for the metadata of an investigation that was never opened")
def ask_for_unknown(context):
    context.attempt = context.world.product.metadata.ask_for_unknown()


@then("its metadata can be read within their deadline")
def metadata_are_ready(context):
    context.answer = context.world.product.metadata.when_ready(context.investigation.job_id)


@then("they tell the same as the answer that opened it")
def tell_the_same(context):
    assert_that(context.answer, metadata.tells_the_same_as(context.investigation.opened))


@then("the answer has the documented form")
def has_documented_form(context):
    assert_that(context.reading, metadata.has_its_documented_form())


@then("the request is refused because the job id is unknown")
def refused_for_job_id(context):
    assert_that(context.attempt.answer, answers.is_refused({404}, ("job id", "job_id"), context.world.limits.refusal_s))


@when("a client configures a task under a name of its own")
def configure_task(context):
    context.task, context.reading = context.world.product.metadata.configure_task()


@given("a task that a client has configured")
def given_task(context):
    context.task, _ = context.world.product.metadata.configure_task()


@when("the client fetches rows of its waterfall")
def fetch_rows(context):
    context.reading = context.world.product.metadata.rows_of(context.task)


@when("the client fetches the metadata of the task")
def fetch_task_metadata(context):
    context.reading = context.world.product.metadata.of_task(context.task)
