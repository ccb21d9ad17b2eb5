"""How fast the server answers."""

from behave import then, when


@when("live investigations are opened often enough to judge how fast that is")
def open_often_enough(context):
    context.answers = context.world.capacity.latency.openings()


@when("a single client asks often enough whether the server is alive")
def ask_whether_alive(context):
    context.answers = context.world.capacity.latency.health_checks()


@when("many clients ask at the same time whether the server is alive")
def ask_at_the_same_time(context):
    context.answers = context.world.capacity.latency.health_checks_at_once()


@when("a client asks several times for the channels")
def ask_for_channels(context):
    context.answers = context.world.capacity.latency.channels()


@when("a client asks several times what the fibre is")
def ask_for_the_fibre(context):
    context.answers = context.world.capacity.latency.live_metadata()


@then("they are answered within the limits")
def openings_are_fast(context):
    limits = context.world.limits
    context.world.capacity.latency.are_fast(context.answers, limits.configure_p95_ms, limits.configure_p99_ms).enforce()


@then("it is answered within the limit")
def health_check_is_fast(context):
    context.world.capacity.latency.are_fast(context.answers, context.world.limits.ack_p95_ms).enforce()


@then("they are all answered within the limit for many")
def health_checks_are_fast(context):
    context.world.capacity.latency.are_fast(context.answers, context.world.limits.ack_concurrent_p95_ms).enforce()


@then("it is told the channels within the limit each time")
def channels_are_fast(context):
    context.world.capacity.latency.are_each_fast(context.answers, context.world.limits.channels_ms).enforce()


@then("it is told what the fibre is within the limit each time")
def fibre_is_fast(context):
    context.world.capacity.latency.are_each_fast(context.answers, context.world.limits.live_metadata_ms).enforce()


@then("they are answered as fast as in the earlier runs")
def not_slower(context):
    context.world.capacity.latency.are_as_fast_as_before(context.answers).enforce()
