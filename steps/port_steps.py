"""Stream ports and the services that publish them."""

from behave import given, then
from hamcrest import assert_that

from support.checks import ports


@then("a service for it is published on the port in the answer")
def service_is_published(context):
    opened = context.investigation.opened
    context.world.cluster.jobs.wait_for_service(opened.job_id, ports.publishes(opened.stream_port))


@then("its service leads to this job and no other")
def leads_to_this_job(context):
    expected = ports.leads_only_to(context.view, context.world.cluster.client.pods())
    assert_that(context.view.service, expected)


@then("a client can connect to its stream port within the deadline")
def client_can_connect(context):
    context.world.cluster.jobs.wait_for_connection(context.investigation.opened)


@then("its client stays connected")
def client_stays_connected(context):
    context.world.investigations.streams.hold(context.investigation.job_id)


@then("its stream port accepts nobody within the deadline")
def port_is_closed(context):
    context.world.cluster.jobs.wait_for_closed_port(context.investigation.opened)


@then("no two open investigations share a port")
def ports_differ(context):
    assert_that((context.earlier.opened, context.investigation.opened), ports.have_different_ports())


@then("each of them has a service of its own")
def services_differ(context):
    context.world.cluster.jobs.wait_for_services_of((context.earlier.opened, context.investigation.opened))


@given("the port of the next investigation is occupied by another service")
def occupy_next_port(context):
    context.earlier = context.world.investigations.open_and_release()
    context.world.cluster.occupancy.take_port(context.earlier.opened.stream_port)


@given("an opening that found its port occupied by another service")
def given_opening_beside(context):
    context.world.cluster.occupancy.take_port(context.earlier.opened.stream_port)
    context.world.investigations.open_running()
    context.world.cluster.occupancy.free()


@then("it is given a port that nobody else owns")
def port_is_its_own(context):
    services = context.world.cluster.client.services()
    assert_that(context.investigation.opened, ports.owns_its_port_among(services))
