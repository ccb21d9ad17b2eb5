"""The recording index as infrastructure: layers 1 to 4."""

from behave import then, when
from hamcrest import assert_that

from support.checks import mongodb
from support.gherkin.words import register_choice

register_choice(
    IndexFact={
        "that the configured user is let in": lambda environment, _: mongodb.lets_the_user_in(environment.limits),
        "its version": lambda environment, _: mongodb.tells_its_version(),
        "that it holds the configured database": lambda environment, _: mongodb.names_the_configured_database(
            environment.mongodb
        ),
        "that it holds every required collection": lambda environment, index: mongodb.has_required_collections(
            environment.mongodb, index.base_paths
        ),
        "that it is the configured one": lambda environment, _: mongodb.is_the_configured_one(environment.mongodb),
        "that the user belongs to the configured database": lambda environment, _: mongodb.belongs_to_the_database(
            environment.mongodb
        ),
    },
)


@when("somebody connects to the recording index with a wrong password")
def connect_with_wrong_password(context):
    context.outcome = context.world.infrastructure.mongodb.connect_with_wrong_password()


@then("MongoDB confirms {fact:IndexFact}")
def mongodb_confirms(context, fact):
    assert_that(context.seen, fact(context.world.environment, context.world.infrastructure.mongodb))


@then("the connection fails because the password is wrong")
def password_is_wrong(context):
    assert_that(context.outcome, mongodb.fails_because("authentication_failed"))


@then("at least one recording is found")
def recordings_are_found(context):
    assert_that(context.seen, mongodb.finds_recordings())
