"""Many investigations, opened by many testers."""

from behave import when


@when("many testers open investigations as the profile of load says")
def open_by_profile(context):
    context.measured = context.world.capacity.profiled.measure()
