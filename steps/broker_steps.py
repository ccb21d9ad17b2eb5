"""The message broker: logins, the exchange of the product, and the queues of investigations."""

from behave import given, then, when
from hamcrest import assert_that

from support.checks import broker
from support.gherkin.words import register_choice
from support.infrastructure.broker import BrokerExamination

register_choice(
    BrokerPassword={
        "the configured password": BrokerExamination.log_in,
        "a wrong password": BrokerExamination.log_in_with_a_wrong_password,
    },
    BrokerAnswer={
        "lets the user in within its limit": lambda limits: broker.lets_in_within(limits.rabbitmq_connect_s),
        "refuses the password": lambda limits: broker.refuses_the_password(),
    },
)


@given("a message broker that has started")
def broker_has_started(context):
    context.world.infrastructure.broker.wait_until_up()


@given("a queue of it at the broker")
def has_a_queue(context):
    context.world.infrastructure.broker.wait_for_queues_of(context.investigation.job_id)


@when("somebody logs in to the message broker with {log_in:BrokerPassword}")
def connect(context, log_in):
    context.outcome = log_in(context.world.infrastructure.broker)


@when("the investigation is released")
def release(context):
    context.world.releases.release(context.investigation.job_id)


@then("the broker {answer:BrokerAnswer}")
def has_answered(context, answer):
    assert_that(context.outcome, answer(context.world.limits))


@then("the exchange of the product is there")
def exchange_is_there(context):
    examination = context.world.infrastructure.broker
    assert_that(examination.has_the_exchange(), broker.is_there(examination.exchange))


@then("the broker has no queue of theirs any more")
def no_queue_of_many_left(context):
    context.world.infrastructure.broker.wait_until_no_queue_is_left(context.measured.job_ids)


@then("the broker has no queue of it any more")
def no_queue_left(context):
    context.world.infrastructure.broker.wait_until_no_queue_of(context.investigation.job_id)
