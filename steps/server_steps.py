"""The state of the site and of the server before a request: fibre and configuration."""

from behave import given
from hamcrest import assert_that

from support.checks.fibre import is_connected


@given("a connected fibre")
def connected_fibre(context):
    assert_that(context.world.product.fibre.metadata(), is_connected())


@given("no connected fibre")
def no_fibre(context):
    context.world.product.fibre.disconnect()


@given("a fibre that was connected in the end")
def connect_fibre(context):
    context.world.product.fibre.connect()
    assert_that(context.world.product.fibre.metadata(), is_connected())


@given("a server whose stream address is configured as {address}")
def configure_stream_address(context, address):
    context.world.product.server_configuration.configure_stream_address(address)
