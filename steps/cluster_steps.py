"""The cluster and its Focus Server as infrastructure: layer 6."""

from behave import then, when
from hamcrest import assert_that

from support.infrastructure.doctor import finds_every_layer_in_order


@when("the cluster is examined")
def examine(context):
    context.cluster = context.world.infrastructure.orchestration.examine()


@when("the cluster is examined over the target host")
def examine_over_target_host(context):
    context.cluster = context.world.infrastructure.access.cluster_over_target_host()


@then("it tells its version")
def tells_version(context):
    assert_that(context.cluster, context.world.infrastructure.orchestration.tells_its_version())


@then("the namespace of the product exists")
def namespace_exists(context):
    assert_that(context.cluster, context.world.infrastructure.orchestration.has_the_namespace())


@then("every node is ready")
def nodes_are_ready(context):
    assert_that(context.cluster, context.world.infrastructure.orchestration.has_only_ready_nodes())


@then("every Focus Server is running and ready")
def servers_are_ready(context):
    assert_that(context.cluster, context.world.infrastructure.orchestration.has_ready_servers())


@then("no Focus Server was restarted too often")
def servers_are_steady(context):
    assert_that(context.cluster, context.world.infrastructure.orchestration.has_steady_servers())


@then("the Focus Server is published with its configured kind and port")
def server_is_published(context):
    assert_that(context.cluster, context.world.infrastructure.orchestration.has_the_configured_service())


@then("the latest lines of the Focus Server's log can be read")
def log_is_readable(context):
    assert_that(context.cluster, context.world.infrastructure.orchestration.has_a_readable_log())


@when("the infrastructure is diagnosed")
def diagnose(context):
    context.diagnosis = context.world.infrastructure.doctor.examine()


@then("every layer is in order")
def every_layer_is_in_order(context):
    assert_that(context.diagnosis, finds_every_layer_in_order())
