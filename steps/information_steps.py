"""Information that the server reports about itself."""

from behave import then, when
from hamcrest import assert_that

from support.checks import information
from support.gherkin.words import register_choice
from support.product.information import Information

register_choice(
    Asking={"asks": Information.ask, "asks several times": Information.ask_repeatedly},
    ServerFact={
        "that it is alive": information.is_alive,
        "its lowest and its highest channel": information.names_its_channels,
        "that it waits for a fibre": information.says_that_it_waits,
        "what fibre is connected": information.describes_its_fibre,
        "as many channels as the fibre has": information.channels_agree_with_the_fibre,
        "measures of its fibre that fit together": information.has_measures_that_fit_together,
        "the same each time": information.tells_the_same_each_time,
    },
)


@when("a client {asks:Asking} what the server tells about itself")
def ask(context, asks):
    context.told = asks(context.world.product.information)


@then("the server tells a pulse rate that allows exactly the highest frequency")
def tells_pulse_rate(context):
    assert_that(context.told, information.has_twice_the_frequency(context.world.limits.highest_frequency_hz))


@then("the server tells {fact:ServerFact}")
def server_tells(context, fact):
    assert_that(context.told, fact())
