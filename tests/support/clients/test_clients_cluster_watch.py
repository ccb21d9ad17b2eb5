from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from client_doubles import Cluster, HttpServer, KubernetesAt, http_server, named, status

from support.clients.journal import Journal
from support.clients.kubernetes.client import ClusterError, KubernetesClient
from support.clients.kubernetes.watch import ClusterWatch, ComingAndGoing, WatchError
from support.clients.safety import SafetyPolicy
from support.waits import Stopwatch

LONG_S = 5.0


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


@pytest.fixture
def server(cluster: Cluster) -> Iterator[HttpServer]:
    with http_server(cluster.answer) as running:
        yield running
        for plural in cluster.objects:
            cluster.end(plural)


def watch_of(server: HttpServer, tolerated_outage_s: float = LONG_S) -> ClusterWatch:
    client = KubernetesClient(KubernetesAt(server.url), Journal(), SafetyPolicy("sandbox"))
    return ClusterWatch(client, tolerated_outage_s)


def wait_for_number(watch: ClusterWatch, number: int) -> None:
    deadline_s = time.monotonic() + LONG_S
    mark = watch.mark()
    while mark < number:
        assert time.monotonic() < deadline_s, f"only {mark} of {number} changes were seen"
        mark = watch.wait_for_change(mark, deadline_s - time.monotonic())


def test_start_holds_what_exists_and_marks_it_late(cluster: Cluster, server: HttpServer) -> None:
    cluster.objects["jobs"] = [named("grpc-job-1-16"), named("grpc-job-1-160")]
    cluster.objects["services"] = [named("mongodb")]
    with watch_of(server) as watch:
        assert set(watch.jobs()) == {"grpc-job-1-16", "grpc-job-1-160"}
        assert set(watch.services()) == {"mongodb"}
        assert watch.pods() == {}
        (seen,) = watch.history("1-16")
        assert (seen.kind, seen.change, seen.observed_late) == ("job", "ADDED", True)
        assert watch.mark() == 3


def test_changes_are_seen_in_order_and_stamped(cluster: Cluster, server: HttpServer) -> None:
    with watch_of(server) as watch:
        mark, before_s = watch.mark(), time.monotonic()
        cluster.say("jobs", "ADDED", named("grpc-job-1-16", 11))
        cluster.say("jobs", "MODIFIED", named("grpc-job-1-16", 12, status={"active": 1}))
        wait_for_number(watch, mark + 2)
        job = watch.job("grpc-job-1-16")
        assert job is not None
        assert job.state == "Active"
        cluster.say("jobs", "DELETED", named("grpc-job-1-16", 13))
        wait_for_number(watch, mark + 3)
        assert watch.job("grpc-job-1-16") is None
        seen = watch.since(mark)
    assert [item.change for item in seen] == ["ADDED", "MODIFIED", "DELETED"]
    assert [item.number for item in seen] == [mark + 1, mark + 2, mark + 3]
    assert all(before_s <= item.at_s <= time.monotonic() and not item.observed_late for item in seen)
    assert watch.history("1-16") == seen
    assert watch.history("1-1") == []


def test_only_pods_of_jobs_are_asked_for(cluster: Cluster, server: HttpServer) -> None:
    with watch_of(server):
        pass
    paths = [received.path for received in server.received if "/pods" in received.path]
    assert paths
    assert all("labelSelector=job-name" in path for path in paths)
    assert not any("labelSelector" in received.path for received in server.received if "/jobs" in received.path)


def test_a_watch_ended_by_the_server_goes_on_where_it_was(cluster: Cluster, server: HttpServer) -> None:
    with watch_of(server) as watch:
        cluster.say("jobs", "ADDED", named("grpc-job-1-16", 11))
        cluster.say("jobs", "BOOKMARK", named("", 77))
        wait_for_number(watch, 1)
        cluster.end("jobs")
        cluster.say("jobs", "ADDED", named("grpc-job-2-17", 78))
        wait_for_number(watch, 2)
        assert watch.mark() == 2
        assert [seen.observed_late for seen in watch.since(0)] == [False, False]
    assert cluster.lists["jobs"] == 1
    assert "resourceVersion=10&" in cluster.watches["jobs"][0]
    assert "resourceVersion=77&" in cluster.watches["jobs"][1]


@pytest.mark.parametrize("how", ["gone", "broken"])
def test_a_gap_is_closed_by_listing_and_marked_late(cluster: Cluster, server: HttpServer, how: str) -> None:
    cluster.objects["jobs"] = [named("grpc-job-1-16", 1), named("grpc-job-2-17", 2), named("grpc-job-3-18", 3)]
    with watch_of(server) as watch:
        mark = watch.mark()
        cluster.objects["jobs"] = [named("grpc-job-2-17", 9), named("grpc-job-3-18", 3), named("grpc-job-4-19", 8)]
        cluster.version = 20
        if how == "gone":
            cluster.say("jobs", "ERROR", {"kind": "Status", "code": 410, "message": "too old resource version"})
            cluster.end("jobs")
        else:
            cluster.break_("jobs")
        wait_for_number(watch, mark + 3)
        changes = {(seen.change, seen.object.name, seen.observed_late) for seen in watch.since(mark)}
        assert changes == {
            ("DELETED", "grpc-job-1-16", True),
            ("MODIFIED", "grpc-job-2-17", True),
            ("ADDED", "grpc-job-4-19", True),
        }
        cluster.say("jobs", "ADDED", named("grpc-job-5-20", 21))
        wait_for_number(watch, mark + 4)
        assert watch.since(mark)[-1].observed_late is False
        assert watch.failure is None
    assert cluster.lists["jobs"] == 2
    assert "resourceVersion=20&" in cluster.watches["jobs"][1]


def test_an_object_made_again_under_its_name_is_new(cluster: Cluster, server: HttpServer) -> None:
    cluster.objects["jobs"] = [named("grpc-job-1-16", 1)]
    with watch_of(server) as watch:
        again = named("grpc-job-1-16", 5)
        again["metadata"]["uid"] = "another"
        cluster.objects["jobs"] = [again]
        cluster.break_("jobs")
        wait_for_number(watch, 3)
        assert [seen.change for seen in watch.history("1-16")] == ["ADDED", "DELETED", "ADDED"]


def test_wait_for_change_returns_when_the_time_is_over(server: HttpServer) -> None:
    with watch_of(server) as watch:
        assert watch.wait_for_change(watch.mark(), 0.02) == watch.mark()


def test_wait_for_change_wakes_at_once(cluster: Cluster, server: HttpServer) -> None:
    with watch_of(server) as watch:
        mark = watch.mark()
        threading.Timer(0.05, cluster.say, ("pods", "ADDED", named("grpc-job-1-16-abcde", 11))).start()
        clock = Stopwatch()
        assert watch.wait_for_change(mark, LONG_S) == mark + 1
        assert clock.given_s() < 1.0
        assert watch.wait_for_change(mark, LONG_S) == mark + 1


def test_a_watch_that_cannot_be_kept_up_is_told_to_whoever_waits(cluster: Cluster, server: HttpServer) -> None:
    with watch_of(server, tolerated_outage_s=0.0) as watch:
        cluster.refuse = status(503, "apiserver is shutting down")
        cluster.break_("jobs")
        with pytest.raises(
            WatchError, match="the watch of [a-z]+ has been down .*(apiserver is shutting down|stream broke)"
        ):
            watch.wait_for_change(watch.mark(), LONG_S)
        assert isinstance(watch.failure, WatchError)
        cluster.refuse = None
        cluster.objects["jobs"] = [named("grpc-job-1-16")]
        deadline_s = time.monotonic() + LONG_S
        while watch.failure is not None and time.monotonic() < deadline_s:
            threading.Event().wait(0.01)
        assert watch.failure is None
        assert watch.history("1-16")[0].observed_late


def test_a_short_outage_is_bridged(cluster: Cluster, server: HttpServer) -> None:
    with watch_of(server) as watch:
        cluster.break_("jobs")
        cluster.objects["jobs"] = [named("grpc-job-1-16")]
        wait_for_number(watch, 1)
        assert watch.failure is None


def test_a_watch_that_stood_for_long_and_breaks_was_not_down_meanwhile(cluster: Cluster, server: HttpServer) -> None:
    tolerated_s = 0.5
    failures: list[object] = []
    with watch_of(server, tolerated_s) as watch:
        note = watch.note_failure

        def noted(kind: str, failure: WatchError | None) -> None:
            failures.extend([failure] if failure is not None else [])
            note(kind, failure)

        watch.note_failure = noted  # type: ignore[method-assign]  # listens to what the threads say
        threading.Event().wait(2 * tolerated_s)
        cluster.break_("jobs")
        cluster.objects["jobs"] = [named("grpc-job-1-16")]
        wait_for_number(watch, 1)
    assert failures == []


def test_a_refused_login_is_not_tolerated(cluster: Cluster, server: HttpServer) -> None:
    with watch_of(server) as watch:
        cluster.refuse = status(401, "Unauthorized")
        cluster.break_("services")
        with pytest.raises(WatchError, match="401: Unauthorized"):
            while True:
                watch.wait_for_change(watch.mark(), LONG_S)


def test_nonsense_on_the_watch_is_not_swallowed(cluster: Cluster, server: HttpServer) -> None:
    with watch_of(server, tolerated_outage_s=0.0) as watch:
        cluster.say("jobs", "ADDED", {"metadata": {}})
        with pytest.raises(WatchError, match="unexpected shape"):
            watch.wait_for_change(watch.mark(), LONG_S)


def test_a_start_that_cannot_list_fails(cluster: Cluster, server: HttpServer) -> None:
    cluster.refuse = status(403, "forbidden")
    with pytest.raises(ClusterError, match="403: forbidden"):
        watch_of(server).start()


def test_stop_ends_the_threads_at_once(server: HttpServer) -> None:
    watch = watch_of(server).start()
    clock = Stopwatch()
    watch.stop()
    assert clock.given_s() < 1.0
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("watch ")]


def test_who_counts_is_not_woken_by_what_only_changes(cluster: Cluster, server: HttpServer) -> None:
    cluster.objects["jobs"] = [named("grpc-job-1-16", 1)]
    with watch_of(server) as watch:
        counted, mark = ComingAndGoing(watch, lambda item: item.job_id == "1-16"), watch.mark()
        cluster.say("jobs", "MODIFIED", named("grpc-job-1-16", 11))
        wait_for_number(watch, mark + 1)
        assert counted.wait_for_change(mark, 0.05) == mark + 1 and counted.mark() == mark + 1
        cluster.say("jobs", "ADDED", named("grpc-job-2-17", 12))
        wait_for_number(watch, mark + 2)
        assert counted.wait_for_change(mark, 0.05) == mark + 2
        for change, version in (("DELETED", 13), ("ADDED", 14)):
            mark = counted.mark()
            cluster.say("jobs", change, named("grpc-job-1-16", version))
            began_s = time.monotonic()
            assert counted.wait_for_change(mark, LONG_S) == mark + 1
            assert time.monotonic() - began_s < LONG_S


def test_what_came_between_changes_is_not_missed(cluster: Cluster, server: HttpServer) -> None:
    with watch_of(server) as watch:
        mark = watch.mark()
        for change, version in (("ADDED", 11), ("MODIFIED", 12), ("MODIFIED", 13)):
            cluster.say("jobs", change, named("grpc-job-1-16", version))
        wait_for_number(watch, mark + 3)
        began_s = time.monotonic()
        assert ComingAndGoing(watch, lambda item: True).wait_for_change(mark, LONG_S) == mark + 3
        assert time.monotonic() - began_s < LONG_S
