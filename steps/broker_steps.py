"""The message broker: who is let in, what is there, and what investigations leave there."""

from behave import given, then, when
from hamcrest import assert_that

from support.infrastructure import broker


@given("a message broker that has started")
def broker_has_started(context):
    context.world.infrastructure.broker.wait_until_up()


@given("an investigation that had a queue at the broker")
def had_a_queue(context):
    context.earlier = context.world.investigations.open_live()
    context.world.infrastructure.broker.wait_for_queues_of(context.earlier.job_id)


@when("the suite connects to the message broker")
def connect(context):
    context.outcome = context.world.infrastructure.broker.log_in()


@when("somebody connects to the message broker with a wrong password")
def connect_with_wrong_password(context):
    context.outcome = context.world.infrastructure.broker.log_in_with_a_wrong_password()


@when("the investigation is released")
def release(context):
    context.world.releases.release(context.earlier.job_id)


@then("the broker has let the configured user in, within its limit")
def let_in(context):
    assert_that(context.outcome, context.world.infrastructure.broker.lets_in())


@then("the exchange of the product is there")
def exchange_is_there(context):
    context.world.infrastructure.broker.assert_has_the_exchange()


@then("the connection to the broker fails because the password is wrong")
def fails_for_the_password(context):
    assert_that(context.outcome, broker.fails_because_of_the_password())


@then("the broker has no queue of it any more")
def no_queue_left(context):
    context.world.infrastructure.broker.wait_until_no_queue_of(context.earlier.job_id)
