"""Examinations by an engineer on call, layer by layer."""

from behave import then, when
from hamcrest import assert_that

from support.checks import cluster, hosts, mongodb
from support.gherkin.words import register_choice
from support.infrastructure.doctor import finds_every_layer_in_order

register_choice(
    Examined={
        "the recording index": lambda layers: layers.mongodb.connect(),
        "the speed of the recording index": lambda layers: layers.mongodb.answer_time(),
        "a query for the latest recordings": lambda layers: layers.mongodb.latest_recordings(),
        "the cluster": lambda layers: layers.orchestration.examine(),
        "the cluster over the target host": lambda layers: layers.access.cluster_over_target_host(),
        "every layer": lambda layers: layers.doctor.examine(),
    },
    Visited={
        "the recording index": lambda layers: layers.mongodb.connections_after_leaving(),
        "the target host": lambda layers: layers.access.connections_after_leaving(),
    },
    ClusterFact={
        "its version": cluster.tells_its_version,
        "the namespace of the product": cluster.has_the_namespace,
        "that every node is ready": cluster.has_only_ready_nodes,
        "that every Focus Server is running and ready": cluster.has_ready_servers,
        "that no Focus Server was restarted too often": cluster.has_steady_servers,
        "the Focus Server with its configured kind and port": cluster.has_the_configured_service,
        "the latest lines of the Focus Server's log": cluster.has_a_readable_log,
    },
    Duration={
        "the query": mongodb.is_answered_in_time,
        "a typical answer": mongodb.is_at_least_acceptable,
        "logging in": hosts.logs_in_quickly,
    },
)


@when("an engineer examines {what:Examined}")
def examine(context, what):
    context.seen = what(context.world.infrastructure)


@when("an engineer connects to {what:Visited} and leaves again")
def connect_and_leave(context, what):
    context.connections = what(context.world.infrastructure)


@then("no connection more than before is counted")
def no_connection_more(context):
    assert_that(context.connections, mongodb.counts_no_more_than_before())


@then("the cluster shows {fact:ClusterFact}")
def cluster_shows(context, fact):
    assert_that(context.seen, fact(context.world.environment))


@then("{what:Duration} takes no longer than its limit")
def is_within_its_limit(context, what):
    assert_that(context.seen, what(context.world.limits))


@then("every layer is in order")
def every_layer_is_in_order(context):
    assert_that(context.seen, finds_every_layer_in_order())
