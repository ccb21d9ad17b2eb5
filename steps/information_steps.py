"""What the server tells about itself."""

from behave import then, when
from hamcrest import assert_that

from support.checks import information


@when("a client asks for what the server tells about itself")
def ask(context):
    context.told = context.world.product.information.ask()


@when("a client asks several times for what the server tells about itself")
def ask_repeatedly(context):
    context.rounds = context.world.product.information.ask_repeatedly()


@then("the server says that it is alive")
def is_alive(context):
    assert_that(context.told, information.is_alive())


@then("it names its lowest and its highest channel")
def names_its_channels(context):
    assert_that(context.told, information.names_its_channels())


@then("it describes the connected fibre")
def describes_its_fibre(context):
    assert_that(context.told, information.describes_its_fibre())


@then("it offers as many channels as the fibre has")
def channels_agree_with_the_fibre(context):
    assert_that(context.told, information.channels_agree_with_the_fibre())


@then("it tells the same each time")
def tells_the_same(context):
    assert_that(context.rounds, information.tells_the_same_each_time())
