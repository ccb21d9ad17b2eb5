"""What a job is given: GPU slices, memory, storage."""

from behave import given, then, when
from hamcrest import assert_that

from support.checks import jobs, resources


@then("its job asks for exactly one GPU slice")
def asks_for_one_slice(context):
    context.view = context.world.cluster.jobs.wait_until_running(context.investigation.job_id)
    assert_that(context.view.pod, resources.asks_for_one_gpu_slice())


@then("the slice is granted on the node it runs on")
def slice_is_granted(context):
    node = context.world.cluster.jobs.node_of(context.view)
    assert_that(node, resources.grants_gpu_slices(context.world.cluster.client.pods()))


@then("the memory of its job is requested and limited")
def memory_is_bounded(context):
    view = context.world.cluster.jobs.wait_until_running(context.investigation.job_id)
    assert_that(view.pod, resources.memory_is_requested_and_limited())


@then("the storage its job needs is mounted and bound")
def storage_is_bound(context):
    view = context.world.cluster.jobs.wait_until_running(context.investigation.job_id)
    assert_that(view.pod, resources.has_storage_mounted_and_bound(context.world.cluster.client.claims()))


@given("every GPU slice of the cluster is taken")
def take_every_slice(context):
    context.world.cluster.occupancy.take_gpu_slices()


@given("only one GPU slice of the cluster is free")
def take_all_but_one_slice(context):
    context.world.cluster.occupancy.take_gpu_slices(leave=1)


@given("an investigation that waits for a GPU slice")
def given_waiting(context):
    context.investigation = context.world.investigations.open_live()
    context.world.cluster.jobs.wait_for(
        context.investigation.job_id, jobs.waits_for(resources.GPU_SLICE), "job_visible_s"
    )


@when("the GPU slices are freed")
def free_slices(context):
    context.world.cluster.occupancy.free()
