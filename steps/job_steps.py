"""The job of an investigation in the cluster."""

from behave import then, when
from hamcrest import assert_that

from support.checks import jobs, resources
from support.gherkin.words import register_choice

register_choice(
    Started={
        "for the window the client asked for": lambda investigation: jobs.was_started_for(
            *jobs.times_in_words(investigation.attempt.times)
        ),
        "without a window": lambda investigation: jobs.was_started_without_window(),
    },
    ReportedState={
        "active and stays so": lambda seen, job_id: seen.wait_and_hold(
            job_id, jobs.is_reported_active(), "job_running_s"
        ),
        "complete when the data has been played": lambda seen, job_id: seen.wait_for(
            job_id, jobs.has_ended("Complete"), "playback_end_s"
        ),
        "failed, with a reason": lambda seen, job_id: seen.wait_for(
            job_id, jobs.has_ended("Failed"), "failed_released_s"
        ),
    },
    JobTrace={
        "the log of the job": lambda cluster, view: cluster.jobs.wait_for_log(view.pod),
        "that the job was scheduled and started": lambda cluster, view: cluster.jobs.wait_for_events(
            view.pod.name, jobs.is_noted_as("Scheduled", "Started")
        ),
        "the node that runs the job": lambda cluster, view: assert_that(
            view, jobs.runs_on_one_of(cluster.client.nodes())
        ),
        "the job by its job id alone": lambda cluster, view: assert_that(
            cluster.jobs.found_by_label(view.job_id), jobs.are_job_pod_and_service(view.job_id)
        ),
    },
    Cleanup={
        "idle": "idle_cleanup_s",
        "finished": "finished_cleanup_s",
        "cancelled": "cancelled_s",
    },
)


@then("a job for it is running within its deadline")
def job_is_running(context):
    context.view = context.world.cluster.jobs.wait_until_running(context.investigation.job_id)


@then("the job was started {how:Started}")
def job_was_started(context, how):
    assert_that(context.view, how(context.investigation))


@then("the job is reported {state:ReportedState}")
def job_is_reported(context, state):
    state(context.world.cluster.jobs, context.investigation.job_id)


@when("the work of its job is lost")
def lose_work(context):
    context.world.clients.lose_work(context.investigation.job_id)


@when("the client cancels it")
def cancel(context):
    context.world.clients.cancel(context.investigation.job_id)


@then("the job was not started again")
def not_started_again(context):
    context.world.cluster.jobs.hold(context.investigation.job_id, jobs.was_not_started_again())


@then("slot and port of the job are free again within the limit")
def given_back(context):
    expected = jobs.has_given_back(context.investigation.opened.stream_port)
    context.world.cluster.jobs.wait_for(context.investigation.job_id, expected, "failed_released_s")


@then("everything that was started for it is gone within the limit for {limit:Cleanup} investigations")
def everything_gone(context, limit):
    context.world.cluster.jobs.wait_until_cleaned_up(context.investigation.job_id, limit)


@then("the cluster shows {trace:JobTrace}")
def cluster_shows_trace(context, trace):
    trace(context.world.cluster, context.view)


@then("its job waits and says that a GPU slice is missing")
def waits_for_gpu(context):
    context.world.cluster.jobs.wait_for(
        context.investigation.job_id, jobs.waits_for(resources.GPU_SLICE), "job_visible_s"
    )
