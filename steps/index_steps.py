"""The recording index as infrastructure: layers 1 to 4."""

from behave import then, when
from hamcrest import assert_that

from support.infrastructure import mongodb as checks


@when("the suite connects to the recording index")
def connect(context):
    context.facts = context.world.infrastructure.mongodb.connect()


@when("somebody connects to the recording index with a wrong password")
def connect_with_wrong_password(context):
    context.outcome = context.world.infrastructure.mongodb.connect_with_wrong_password()


@when("somebody connects to the recording index and leaves again")
def connect_and_leave(context):
    context.connections = context.world.infrastructure.mongodb.connections_after_leaving()


@when("the suite asks the recording index for the latest recordings")
def ask_for_recordings(context):
    context.query = context.world.infrastructure.mongodb.latest_recordings()


@when("the answer time of the recording index is measured")
def measure_answer_time(context):
    context.answer_time = context.world.infrastructure.mongodb.answer_time()


@then("MongoDB has let the configured user in")
def user_is_in(context):
    assert_that(context.facts, context.world.infrastructure.mongodb.lets_the_user_in())


@then("MongoDB tells its version")
def tells_version(context):
    assert_that(context.facts, checks.tells_its_version())


@then("the configured database is among those MongoDB lists")
def database_is_listed(context):
    assert_that(context.facts, context.world.infrastructure.mongodb.names_the_configured_database())


@then("the connection fails because the password is wrong")
def password_is_wrong(context):
    assert_that(context.outcome, checks.fails_because("authentication_failed"))


@then("MongoDB counts no connection more than before")
def connections_are_given_back(context):
    assert_that(context.connections, checks.counts_no_more_than_before())


@then("every required collection is present")
def collections_are_present(context):
    assert_that(context.facts, context.world.infrastructure.mongodb.has_required_collections())


@then("the query is answered within its limit")
def query_is_quick(context):
    assert_that(context.query, context.world.infrastructure.mongodb.is_answered_in_time())


@then("at least one recording is found")
def recordings_are_found(context):
    assert_that(context.query, checks.finds_recordings())


@then("the typical answer time is at least acceptable")
def answer_time_is_acceptable(context):
    assert_that(context.answer_time, context.world.infrastructure.mongodb.is_at_least_acceptable())


@then("the MongoDB that answers is the configured one")
def is_the_configured_one(context):
    assert_that(context.facts, context.world.infrastructure.mongodb.is_the_configured_one())


@then("the user is known to the database that is configured for it")
def user_belongs(context):
    assert_that(context.facts, context.world.infrastructure.mongodb.belongs_to_the_configured_database())
