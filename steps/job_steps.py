"""The job of an investigation in the cluster."""

from behave import given, then, when
from hamcrest import assert_that

from support.checks import jobs, resources


@then("a job for it is running within its deadline")
def job_is_running(context):
    context.view = context.world.cluster.jobs.wait_until_running(context.investigation.job_id)


@then("the job was started for the window the client asked for")
def started_for_window(context):
    start, end = jobs.times_in_words(context.investigation.attempt.times)
    assert_that(context.view, jobs.was_started_for(start, end))


@then("the job was started without a window")
def started_without_window(context):
    assert_that(context.view, jobs.was_started_without_window())


@then("the job is reported active and stays so")
def reported_active(context):
    context.world.cluster.jobs.wait_for(context.investigation.job_id, jobs.is_reported_active(), "job_running_s")
    context.world.cluster.jobs.hold(context.investigation.job_id, jobs.is_reported_active())


@then("the job is reported complete when the data has been played")
def reported_complete(context):
    context.world.cluster.jobs.wait_for(context.investigation.job_id, jobs.has_ended("Complete"), "playback_end_s")


@when("the work of its job is lost")
def lose_work(context):
    context.world.clients.lose_work(context.investigation.job_id)


@when("the client cancels it")
def cancel(context):
    context.world.clients.cancel(context.investigation.job_id)


@given("an investigation whose job has failed")
def given_failed(context):
    context.earlier, _ = context.world.investigations.open_running()
    context.world.clients.lose_work(context.earlier.job_id)
    context.world.cluster.jobs.wait_for(context.earlier.job_id, jobs.has_ended("Failed"), "failed_released_s")


@then("the job is reported failed, with a reason")
def reported_failed(context):
    context.world.cluster.jobs.wait_for(context.investigation.job_id, jobs.has_ended("Failed"), "failed_released_s")


@then("the job was not started again")
def not_started_again(context):
    context.world.cluster.jobs.hold(context.investigation.job_id, jobs.was_not_started_again())


@then("slot and port of the job are free again within the limit")
def given_back(context):
    expected = jobs.has_given_back(context.investigation.opened.stream_port)
    context.world.cluster.jobs.wait_for(context.investigation.job_id, expected, "failed_released_s")


@then("everything that was started for it is gone within the limit for {kind} investigations")
def everything_gone(context, kind):
    limit = {"idle": "idle_cleanup_s", "finished": "finished_cleanup_s", "cancelled": "cancelled_s"}[kind]
    context.world.cluster.jobs.wait_until_gone(context.investigation.job_id, limit)


@then("the job has written a log")
def has_a_log(context):
    context.world.cluster.jobs.wait_for_log(context.view.pod)


@then("the cluster has noted that the job was scheduled and started")
def is_noted(context):
    context.world.cluster.jobs.wait_for_events(context.view.pod.name, jobs.is_noted_as("Scheduled", "Started"))


@then("the node that runs it is one of the cluster")
def node_is_known(context):
    assert_that(context.view, jobs.runs_on_one_of(context.world.cluster.client.nodes()))


@then("the job is found in the cluster by its job id alone")
def found_by_job_id(context):
    found = context.world.cluster.jobs.found_by_label(context.investigation.job_id)
    assert_that(found, jobs.are_job_pod_and_service(context.investigation.job_id))


@then("its job waits and says that a GPU slice is missing")
def waits_for_gpu(context):
    context.world.cluster.jobs.wait_for(
        context.investigation.job_id, jobs.waits_for(resources.GPU_SLICE), "job_visible_s"
    )
