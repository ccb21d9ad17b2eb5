"""No check passes because the data it looks at is empty: a zero from a broken instrument is not a result.

Each matcher over data that may be empty is listed here with an empty example and must refuse it. An exception is listed
with the step that ensures beforehand that the data is not empty.
"""

from __future__ import annotations

import ast
import importlib
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from support.capacity import checks as capacity
from support.capacity import verdicts
from support.capacity.measured import Growth
from support.checks import (
    answers,
    broker,
    cluster,
    fibre,
    hosts,
    index_documents,
    information,
    jobs,
    metadata,
    mongodb,
    outages,
    passwords,
    ports,
    recording_index,
    recordings,
    resources,
    sampling,
    server,
)
from support.checks.matcher import Judged
from support.clients.focus_server.client import Answer
from support.clients.kubernetes.client import Deployment, Pod, Snapshot
from support.clients.ssh.session import CommandResult
from support.infrastructure.doctor import LayerDiagnosis, finds_every_layer_in_order
from support.model.commands import Commands
from support.model.index_documents import IndexSnapshot
from support.model.index_state import IndexState
from support.model.infrastructure import AnswerTime, ClusterFacts, HostFacts, IndexFacts, Query
from support.model.job_view import JobView
from support.model.recording_index import Lookups, Search, StoragePath
from support.stability.steady_state import Lifetime, Stability
from support.statistics.verdict import Outcome

ROOT = Path(__file__).resolve().parents[2]
ONE_THING = ("Answer", "OpenedInvestigation", "Outcome", "ConnectionOutcome", "BrokerOutcome", "Verdict")
"""Subjects that cannot be empty: they exist, or the step has failed already."""

SETTINGS: Any = SimpleNamespace(
    database="prisma", base_path="/prisma", reports_as="mongodb-*", required_collections=("base_paths",)
)
LIMITS: Any = SimpleNamespace(mongodb_connect_s=2, max_restarts=5, log_lines=10, ssh_connect_s=2)
SERVICE = SimpleNamespace(service="focus-server", service_type="ClusterIP", port=5000)
ENVIRONMENT: Any = SimpleNamespace(
    kubernetes=SimpleNamespace(namespace="panda", services=SimpleNamespace(focus_server=SERVICE)), limits=LIMITS
)
NO_JOB = JobView("3-17", None, (), None, frozenset(), (), 0, None, "", ())
NO_RECORDINGS = IndexSnapshot("recordings", (), (), None, timedelta(hours=24))
NO_INDEX = IndexState({}, (), frozenset(), frozenset())
NO_CLUSTER = ClusterFacts("", (), (), (), None, ())
SILENT = HostFacts(
    "target host",
    None,
    "prisma",
    0.1,
    {
        command: CommandResult(command, 0, "", "", 0.1)
        for command in ("hostname", "whoami", "uptime", "kubectl version --client", "k9s version")
    },
)
NO_LOAD: Any = SimpleNamespace(
    step=SimpleNamespace(records=(), leftovers=()),
    run=SimpleNamespace(
        recovery=SimpleNamespace(seconds=0.1, baseline_p95_ms=float("inf"), leftovers=()),
        during=SimpleNamespace(pods=()),
    ),
    windows=(),
    refusing=(),
    still_published=(),
    reports=(),
)
NO_CONTAINERS = Pod.parse({"metadata": {"name": "p"}, "spec": {"nodeName": "n"}})
NOTHING_WANTED = Deployment.parse({"metadata": {"name": "mongodb"}, "spec": {"replicas": 0}})
NO_POD: Any = SimpleNamespace(uid="u", name="p", restarts=0)

Case = tuple[Judged[Any], Any]
REFUSED: Mapping[str, Case] = {
    # Lists
    "answers.is_new_among": (answers.is_new_among([]), SimpleNamespace(job_id="3-17")),
    "answers.are_all_different": (answers.are_all_different(), []),
    "information.tells_the_same_each_time": (information.tells_the_same_each_time(), []),
    "jobs.is_noted_as": (jobs.is_noted_as("Scheduled"), []),
    "jobs.are_job_pod_and_service": (
        jobs.are_job_pod_and_service("3-17"),
        Snapshot((), (), (), datetime.now(UTC), 0.0),
    ),
    "ports.have_different_ports": (ports.have_different_ports(), []),
    "ports.leads_only_to": (ports.leads_only_to(NO_JOB, []), None),
    "ports.publishes": (ports.publishes(12301), None),
    "recordings.lists_all_of": (recordings.lists_all_of([]), Answer(200, {}, b"[]", 0.1)),
    "recordings.lists_in_order": (recordings.lists_in_order(), Answer(200, {}, b"[]", 0.1)),
    "server.are_all_told": (server.are_all_told(1.0), []),
    "server.are_ready": (server.are_ready(1), []),
    "server.were_not_restarted": (server.were_not_restarted(), []),
    "server.are_answered_alike": (server.are_answered_alike(), []),
    "outages.is_there_again": (outages.is_there_again("MongoDB", []), []),
    "outages.is_replaced": (outages.is_replaced("MongoDB", []), []),
    "outages.bears_the_names_of": (outages.bears_the_names_of([]), []),
    "outages.were_not_started_again_since": (outages.were_not_started_again_since({}), []),
    "outages.were_started_once": (outages.were_started_once(), []),
    "outages.came_in_the_middle": (outages.came_in_the_middle(5.0), []),
    "outages.were_cut_short": (outages.were_cut_short(), []),
    "outages.are_too_many": (outages.are_too_many([]), {}),
    "broker.has_a_queue": (broker.has_a_queue(), []),
    "outages.are_whole": (outages.are_whole([]), {}),
    # Texts and answers without content
    "server.tells_of_no_error": (server.tells_of_no_error(), "\n"),
    "server.says_what_is_wrong_with_the_configuration": (server.says_what_is_wrong_with_the_configuration(), ""),
    "passwords.carries_no_password": (passwords.carries_no_password(), Answer(200, {}, b"{}", 0.1)),
    "fibre.is_connected": (fibre.is_connected(), {}),
    # Counts
    "mongodb.counts_no_more_than_before": (mongodb.counts_no_more_than_before(), (0, 0)),
    "capacity.has_so_many_free_ports": (capacity.has_so_many_free_ports(200), 0),
    # A job that was never seen
    "jobs.is_visible": (jobs.is_visible(), NO_JOB),
    "jobs.is_running": (jobs.is_running(), NO_JOB),
    "jobs.waits_for": (jobs.waits_for("gpu"), NO_JOB),
    "jobs.has_ended": (jobs.has_ended("Complete"), NO_JOB),
    "jobs.is_reported_active": (jobs.is_reported_active(), NO_JOB),
    "jobs.was_not_started_again": (jobs.was_not_started_again(), NO_JOB),
    "jobs.has_given_back": (jobs.has_given_back(12301), NO_JOB),
    "outages.has_run_all_the_time": (outages.has_run_all_the_time(NO_POD), NO_JOB),
    "resources.asks_for_one_gpu_slice": (resources.asks_for_one_gpu_slice(), NO_CONTAINERS),
    "resources.holds_what_its_node_offers": (resources.holds_what_its_node_offers([], []), NO_CONTAINERS),
    "resources.memory_is_requested_and_limited": (resources.memory_is_requested_and_limited(), NO_CONTAINERS),
    "resources.has_storage_mounted_and_bound": (resources.has_storage_mounted_and_bound([]), NO_CONTAINERS),
    "outages.is_ready": (outages.is_ready("MongoDB"), NOTHING_WANTED),
    "outages.runs_as_often_as": (outages.runs_as_often_as("MongoDB", 0), NOTHING_WANTED),
    # The recording index
    **{
        f"index_documents.every_recording({name})": (index_documents.every_recording(fact), NO_RECORDINGS)
        for name, fact in index_documents.RECORDING_FACTS.items()
    },
    "index_documents.every_uuid_is_its_own": (index_documents.every_uuid_is_its_own(), NO_RECORDINGS),
    "index_documents.neighbours_overlap_at_most": (index_documents.neighbours_overlap_at_most(5), NO_RECORDINGS),
    "index_documents.no_recording_is_stale": (index_documents.no_recording_is_stale(), NO_RECORDINGS),
    "index_documents.every_document_has_one_class": (index_documents.every_document_has_one_class(), NO_RECORDINGS),
    "index_documents.no_document_is_invalid": (index_documents.no_document_is_invalid(), NO_RECORDINGS),
    "index_documents.every_folder_is_described": (index_documents.every_folder_is_described(), NO_RECORDINGS),
    "index_documents.recognises_at_least": (index_documents.recognises_at_least(0.8), NO_RECORDINGS),
    "passwords.no_command_carries_a_password": (
        passwords.no_command_carries_a_password(),
        Commands((), "recordings", there_are_some=False),
    ),
    "recording_index.has_an_entry": (recording_index.has_an_entry(), StoragePath("/p", (), frozenset())),
    "recording_index.has_its_collection": (recording_index.has_its_collection(), StoragePath("/p", (), frozenset())),
    "recording_index.has_no_second_entry": (recording_index.has_no_second_entry(), StoragePath("/p", (), frozenset())),
    "recording_index.has_an_index_by": (recording_index.has_an_index_by("uuid"), Lookups("recordings", {})),
    "recording_index.admits_each_uuid_once": (recording_index.admits_each_uuid_once(), Lookups("recordings", {})),
    "recording_index.uses_an_index": (recording_index.uses_an_index(), Search((), 0)),
    "sampling.names_an_allowed_type": (sampling.names_an_allowed_type(), []),
    "sampling.describes_the_sampling": (sampling.describes_the_sampling(), []),
    "sampling.agrees_on_samples_and_channels": (sampling.agrees_on_samples_and_channels(), []),
    "outages.holds_what_it_held": (outages.holds_what_it_held(NO_INDEX), NO_INDEX),
    "outages.has_the_structure_of": (outages.has_the_structure_of(NO_INDEX), NO_INDEX),
    "metadata.tell_the_same_each_time": (metadata.tell_the_same_each_time(SimpleNamespace(job_id="1-2", raw={})), []),
    "metadata.are_read_as_fast_as_at_first": (metadata.are_read_as_fast_as_at_first(), []),
    "broker.has_no_queue_of": (broker.has_no_queue_of([]), []),
    # The infrastructure
    "mongodb.lets_the_user_in": (mongodb.lets_the_user_in(LIMITS), IndexFacts(0.1)),
    "mongodb.names_the_configured_database": (mongodb.names_the_configured_database(SETTINGS), IndexFacts(0.1)),
    "mongodb.has_required_collections": (mongodb.has_required_collections(SETTINGS, list), IndexFacts(0.1)),
    "mongodb.is_the_configured_one": (mongodb.is_the_configured_one(SETTINGS), IndexFacts(0.1)),
    "mongodb.belongs_to_the_database": (mongodb.belongs_to_the_database(SETTINGS), IndexFacts(0.1)),
    "mongodb.tells_its_version": (mongodb.tells_its_version(), IndexFacts(0.1)),
    "mongodb.finds_recordings": (mongodb.finds_recordings(), Query(0, 1.0)),
    **{f"cluster.{check.__name__}": (check(ENVIRONMENT), NO_CLUSTER) for check in cluster.EVERYTHING},
    "hosts.answers_as_itself": (hosts.answers_as_itself(), SILENT),
    "hosts.has_the_tools": (hosts.has_the_tools(), SILENT),
    "doctor.finds_every_layer_in_order": (finds_every_layer_in_order(), LayerDiagnosis(())),
    # Loads
    "capacity.opens_exactly": (capacity.opens_exactly(10), NO_LOAD),
    "capacity.reaches_every_port": (capacity.reaches_every_port(), NO_LOAD),
    "capacity.plays_its_own_window": (capacity.plays_its_own_window(), NO_LOAD),
    "capacity.gave_back_its_ports": (capacity.gave_back_its_ports(), NO_LOAD),
    "capacity.refuses_at_once": (capacity.refuses_at_once(), NO_LOAD),
    "capacity.has_recovered": (capacity.has_recovered(), NO_LOAD),
    "capacity.left_nothing": (capacity.left_nothing(), NO_LOAD),
}
SEEN_BEFORE = {
    "outages.is_gone": "Workloads._running: it ran before it was stopped",
    "outages.is_gone_of": "Workloads._running: it ran before it crashed",
    "outages.is_silent": "the part had pods, and was scaled to none",
    "jobs.every_trace_gone": "Jobs.wait_until_cleaned_up: it was visible before",
    "jobs.has_nothing_called": "EarlierInvestigations.left_half_open: its job ran before",
    "broker.has_no_queue": "an investigation that had a queue is the Given (has_a_queue)",
    "recordings.lists_exactly": "an empty list is a Then of its own; lists_all_of compares",
}
NOT_OVER_A_SOURCE = {
    "outages.is_heard": "one question, and its answer",
    "broker.is_there": "one question, and its answer",
    "hosts.logs_in_quickly": "how long a login took that was made",
    "mongodb.is_answered_in_time": "how long a query took; what it found is judged beside it (finds_recordings)",
    "mongodb.is_at_least_acceptable": "as many samples as the environment says; the median of none is an error",
    "information.is_alive": "three answers that came",
    "information.names_its_channels": "three answers that came",
    "information.describes_its_fibre": "three answers that came",
    "information.channels_agree_with_the_fibre": "three answers that came",
    "information.has_twice_the_frequency": "three answers that came",
    "information.has_measures_that_fit_together": "three answers that came",
    "information.says_that_it_waits": "three answers that came",
    "jobs.was_started_for": "raises without a job",
    "jobs.was_started_without_window": "raises without a job",
    "jobs.runs_on_one_of": "raises without a pod",
    "metadata.has_its_documented_form": "one answer, and the form that belongs to it",
    "capacity.tells_of_headroom": "raises without a report",
    "capacity.tells_what_is_missing": "raises without a report",
    "matcher.judged": "makes matchers",
}


def matchers() -> Iterator[tuple[str, str]]:
    """Name and subject of each function that makes a matcher."""
    for folder in ("checks", "capacity", "infrastructure"):
        for path in sorted((ROOT / "support" / folder).glob("*.py")):
            room = "capacity" if folder == "capacity" else path.stem
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                if isinstance(node, ast.FunctionDef) and node.returns is not None:
                    subject = ast.unparse(node.returns)
                    if subject.startswith("Judged[") and not node.name.startswith("_"):
                        yield f"{room}.{node.name}", subject.removeprefix("Judged[").removesuffix("]")


def test_every_matcher_over_what_may_be_empty_stands_here() -> None:
    known = {name.partition("(")[0] for name in (*REFUSED, *SEEN_BEFORE, *NOT_OVER_A_SOURCE)}
    found = dict(matchers())
    missing = [name for name, subject in found.items() if subject not in ONE_THING and name not in known]
    assert not missing, "what do they say of an empty source? add them to this gate"
    gone = known - set(found)
    assert not gone, f"no matchers any more: {sorted(gone)}"


@pytest.mark.parametrize(("matcher", "nothing"), REFUSED.values(), ids=REFUSED)
def test_nothing_to_look_at_is_not_all_well(matcher: Judged[Any], nothing: Any) -> None:
    told = matcher.trouble(nothing)
    assert told, "an empty source passes"


@pytest.mark.parametrize("name", [name for name, why in NOT_OVER_A_SOURCE.items() if why.startswith("raises")])
def test_what_is_said_to_raise_does(name: str) -> None:
    room, _, function = name.partition(".")
    module = capacity if room == "capacity" else importlib.import_module(f"support.checks.{room}")
    made: Callable[..., Judged[Any]] = getattr(module, function)
    arguments: dict[str, list[Any]] = {"was_started_for": ["a", "b"], "runs_on_one_of": [[]]}
    more = {"tells_what_is_missing": ["gpu", 7]}
    matcher = made(*(arguments | more).get(function, []))
    with pytest.raises((AssertionError, IndexError)):
        matcher.trouble(NO_LOAD if room == "capacity" else NO_JOB)


def stability() -> Stability:
    nobody: Any = None
    limits = SimpleNamespace(time_scale=1.0, stability_success_rate=0.95, memory_growth_mb_per_h=10, configure_p95_ms=1)
    environment: Any = SimpleNamespace(
        limits=limits, kubernetes=SimpleNamespace(services=SimpleNamespace(focus_server=SERVICE))
    )
    return Stability(nobody, nobody, nobody, nobody, environment, nobody, nobody)


NO_LIFE = Lifetime(1, (), ("nothing opened",), {}, ("there was no server to watch",), ())
VERDICTS = {
    "all_succeed": lambda: verdicts.all_succeed([]),
    "is_answered_within": lambda: verdicts.is_answered_within([], 300),
    "holds_every_step": lambda: verdicts.holds_every_step(Growth(()), SETTINGS),
    "began_clean": lambda: verdicts.began_clean(Growth(())),
    "opened_often_enough": lambda: stability().opened_often_enough(NO_LIFE),
    "was_never_restarted": lambda: stability().was_never_restarted(NO_LIFE),
    "keeps_its_memory": lambda: stability().keeps_its_memory(NO_LIFE),
    "stays_fast": lambda: stability().stays_fast(NO_LIFE),
    "left_nothing_behind": lambda: stability().left_nothing_behind(NO_LIFE),
}


@pytest.mark.parametrize("judge", VERDICTS.values(), ids=VERDICTS)
def test_a_verdict_over_nothing_does_not_pass(judge: Any) -> None:
    assert judge().outcome is not Outcome.PASS


def test_a_median_of_no_samples_is_an_error() -> None:
    with pytest.raises(ValueError, match="no median for empty data"):
        mongodb.is_at_least_acceptable(SimpleNamespace(mongodb_ping_median_ms=100)).trouble(  # type: ignore[arg-type]
            AnswerTime((), ())
        )
