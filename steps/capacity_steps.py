"""Many investigations at once, a full site, and the reports on both."""

from behave import given, then, when
from hamcrest import assert_that

from support.capacity import checks as capacity
from support.capacity import verdicts
from support.checks import answers


@when("the required number of clients open a live investigation at the same time")
def open_the_required_number(context):
    context.measured = context.world.capacity.loads.full_load()


@when("the required number of clients have opened a live investigation and released it")
def have_opened_the_required_number(context):
    context.measured = context.world.capacity.loads.full_load()


@when("several clients open a heavy live investigation at the same time")
def open_heavy(context):
    context.measured = context.world.capacity.loads.heavy()


@when("a client opens a single live investigation, again and again")
def open_single(context):
    context.single = context.world.capacity.loads.baseline()


@when("the number of investigations grows in steps up to the required number")
def grow(context):
    context.growth = context.world.capacity.loads.growth()


@when("the stream ports of the site are counted")
def count_ports(context):
    context.free_ports = context.world.capacity.full_site.free_ports()


@given("as many open investigations as the site has room for")
def fill(context):
    context.running = context.world.capacity.full_site.fill()


@given("a cluster with free GPU slices for a few investigations only")
def leave_a_few_slices(context):
    context.free_slices = 5
    context.world.cluster.occupancy.take_gpu_slices(leave=context.free_slices)


@when("more clients than that open a live investigation at the same time")
def open_more_than_that(context):
    context.measured = context.world.capacity.loads.short(context.free_slices)


@then("enough of them have a running job and a port of their own at one same moment")
def enough_succeed(context):
    verdicts.meets_the_requirement(context.measured, context.world.environment.capacity).enforce()


@then("all of them have a running job and a port of their own")
def all_succeed(context):
    verdicts.all_succeed(context.single).enforce()


@then("they are answered within the limit")
def single_is_fast(context):
    verdicts.is_answered_within(context.single, context.world.limits.configure_p95_ms).enforce()


@then("the site holds every step")
def holds_every_step(context):
    verdicts.holds_every_step(context.growth, context.world.environment.capacity).enforce()


@then("every step began when nothing was left of the one before")
def steps_began_clean(context):
    verdicts.began_clean(context.growth).enforce()


@then("the required number of them is free")
def enough_ports(context):
    assert_that(context.free_ports, capacity.has_so_many_free_ports(context.world.environment.capacity.target_jobs))


@then("the port of every one that was opened accepts its client")
def ports_accept(context):
    assert_that(context.measured, capacity.reaches_every_port())


@then("each of their ports is free again")
def ports_are_free(context):
    assert_that(context.measured, capacity.gave_back_its_ports())


@then("each of their ports refuses clients at once")
def ports_refuse(context):
    assert_that(context.measured, capacity.refuses_at_once())


@then("investigations open as fast as before within the deadline")
def recovers(context):
    assert_that(context.measured, capacity.has_recovered())


@then("nothing is left of theirs")
def nothing_is_left(context):
    assert_that(context.measured, capacity.left_nothing())


@then("the request is refused because the site is full")
def refused_for_capacity(context):
    about = ("room", "capacity", "full", "free")
    assert_that(context.attempt.answer, answers.is_refused({429, 503}, about, context.world.limits.refusal_s))


@then("the open investigations go on running")
def others_go_on(context):
    context.world.capacity.full_site.assert_all_go_on(context.running)


@then("the gap report tells that the requirement is met and how much room is left")
def tells_of_headroom(context):
    verdicts.tells_of_headroom(capacity.report_of(context.measured)).enforce()


@then("the gap report names the GPU slices as what ran out and how many are missing")
def names_gpu_slices(context):
    missing = context.measured.step.asked - context.free_slices
    assert_that(context.measured, capacity.tells_what_is_missing("gpu", missing))
