"""Many investigations at once, a full site, and the reports on both."""

from behave import given, then, when
from hamcrest import assert_that

from support.capacity import checks as capacity
from support.capacity import verdicts
from support.capacity.measuring import ASKED_BEYOND, LoadMeasurements
from support.checks.verdict import passes
from support.gherkin.sharing import asks_for
from support.gherkin.words import register_choice
from support.model.windows import Source, times_of

register_choice(
    Clients={
        "the required number of clients": LoadMeasurements.full_load,
        "several clients with a heavy configuration": LoadMeasurements.heavy,
    },
    Mixture={
        "historic investigations": LoadMeasurements.historic,
        "live and historic investigations": LoadMeasurements.mixed,
        "historic investigations with a heavy configuration": LoadMeasurements.heavy_historic,
    },
    PortBehaviour={
        "accepts its client": capacity.reaches_every_port,
        "is free again": capacity.gave_back_its_ports,
        "refuses clients at once": capacity.refuses_at_once,
    },
    Told={
        "that the requirement is met and how much room is left": capacity.tells_of_headroom,
        "that GPU slices ran out and how many are missing": lambda: capacity.tells_what_is_missing("gpu", ASKED_BEYOND),
    },
)


@when("{clients:Clients} open a live investigation at the same time")
def open_at_once(context, clients):
    context.measured = clients(context.world.capacity.loads)


@when("many clients open {mixture:Mixture} at the same time")
def open_mixture(context, mixture):
    times = times_of("over recorded data", Source(context.world.recordings.index, None))
    context.measured = mixture(context.world.capacity.loads, times)


@when("one client opens as many historic investigations as it has windows")
def open_windows(context):
    times = times_of("over recorded data", Source(context.world.recordings.index, None))
    context.measured = context.world.capacity.loads.windows(times)


@when("the number of historic investigations grows in steps")
def grow_historic(context):
    times = times_of("over recorded data", Source(context.world.recordings.index, None))
    context.growth = context.world.capacity.loads.historic_growth(times)


@when("the required number of clients have opened a live investigation and released it")
@asks_for(LoadMeasurements.full_load)
def have_opened_the_required_number(context):
    context.measured = context.world.capacity.loads.full_load()


@when("a client opens a single live investigation, again and again")
def open_single(context):
    context.measured = context.world.capacity.loads.baseline()


@when("the number of investigations grows in steps up to the required number")
@asks_for(LoadMeasurements.growth)
def grow(context):
    context.growth = context.world.capacity.loads.growth()


@when("the stream ports of the site are counted")
def count_ports(context):
    context.free_ports = context.world.capacity.full_site.free_ports()


@given("as many open investigations as the site has room for")
def fill(context):
    context.running = context.world.capacity.full_site.fill()


@when("more clients than that open a live investigation at the same time")
def open_more_than_that(context):
    context.measured = context.world.capacity.loads.short(context.free_slices)


@then("enough of them have a running job and a port of their own at one same moment")
def enough_succeed(context):
    requirement = context.world.environment.capacity
    assert_that(verdicts.meets_the_requirement(context.measured, requirement), passes())


@then("as many of them are opened as the site has room for")
def open_as_many(context):
    room = context.world.capacity.full_site.room(context.free_slices)
    assert_that(context.measured, capacity.opens_exactly(room))


@then("all of them have a running job and a port of their own")
def all_succeed(context):
    assert_that(verdicts.all_succeed(context.measured), passes())


@then("they are answered within the limit")
def single_is_fast(context):
    limit_ms = context.world.limits.configure_p95_ms
    assert_that(verdicts.is_answered_within(context.measured, limit_ms), passes())


@then("the site holds every step")
def holds_every_step(context):
    assert_that(verdicts.holds_every_step(context.growth, context.world.environment.capacity), passes())


@then("every step began when nothing was left of the one before")
def steps_began_clean(context):
    assert_that(verdicts.began_clean(context.growth), passes())


@then("the required number of them is free")
def enough_ports(context):
    assert_that(context.free_ports, capacity.has_so_many_free_ports(context.world.environment.capacity.target_jobs))


@then("each of them plays its own window")
def each_plays_its_own(context):
    assert_that(context.measured, capacity.plays_its_own_window())


@then("each of their ports {behaviour:PortBehaviour}")
def ports_behave(context, behaviour):
    assert_that(context.measured, behaviour())


@then("investigations open as fast as before within the deadline")
def recovers(context):
    assert_that(context.measured, capacity.has_recovered())


@then("nothing is left of theirs")
def nothing_is_left(context):
    assert_that(context.measured, capacity.left_nothing())


@then("the open investigations go on running")
def others_go_on(context):
    context.world.capacity.full_site.hold_all_running(context.running)


@then("the gap report tells {what:Told}")
def gap_report_tells(context, what):
    assert_that(context.measured, what())
