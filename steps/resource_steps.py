"""Resources of a job: GPU slices, memory, storage."""

from behave import given, then, when
from hamcrest import assert_that

from support.checks import resources
from support.gherkin.words import register_choice

register_choice(
    FreeSlices={
        "no GPU slice": 0,
        "one GPU slice": 1,
        "GPU slices for a few investigations": 5,
    },
    JobResource={
        "exactly one GPU slice": lambda cluster: resources.asks_for_one_gpu_slice(),
        "its slice on the node it runs on": lambda cluster: resources.holds_what_its_node_offers(
            cluster.nodes(), cluster.pods()
        ),
        "memory that is requested and limited": lambda cluster: resources.memory_is_requested_and_limited(),
        "the recordings as storage that is mounted and bound": lambda cluster: resources.has_storage_mounted_and_bound(
            cluster.claims()
        ),
    },
)


@given("a cluster with {amount:FreeSlices} free")
def leave_slices(context, amount):
    context.free_slices = amount
    context.world.cluster.occupancy.take_gpu_slices(leave=amount)


@when("the GPU slices are freed")
def free_slices(context):
    context.world.cluster.occupancy.free()


@then("its job receives {resource:JobResource}")
def job_receives(context, resource):
    view = context.world.cluster.jobs.wait_until_running(context.investigation.job_id)
    assert_that(view.pod, resource(context.world.cluster.client))
