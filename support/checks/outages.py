"""Matchers for the time during and after an outage."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from support.checks.answers import is_refused, opens
from support.checks.matcher import Judged
from support.checks.server import Outcome, said
from support.clients.focus_server.client import Answer, ConnectionFailed
from support.clients.kubernetes.client import Deployment, Pod
from support.model.index_state import IndexState
from support.model.job_view import JobView, describe


def is_refused_because_mongodb_is_away(within_s: float) -> Judged[Answer]:
    """Match status 503 in time, with a message that names MongoDB (requirement RS-01)."""
    return is_refused({503}, ("mongo",), within_s)


def is_no_failure_of_the_server(within_s: float) -> Judged[Answer]:
    """Match status 200 or 503 in time: the answer to a live request during an outage is not defined further (RS-02)."""

    def mismatch(answer: Answer) -> str | None:
        if answer.status not in (200, 503):
            return f"the server itself failed: {said(answer)}"
        return f"{said(answer)}, which is too late" if answer.given_s > within_s else None

    return Judged(f"an answer within {within_s:g} s that is no failure of the server", mismatch)


def opens_at_last() -> Judged[Outcome]:
    """Match an investigation that opens. A failed connection is accepted as input, and does not match."""
    opening = opens()
    return Judged(
        "an investigation that opens",
        lambda outcome: None if isinstance(outcome, Answer) and opening.matches(outcome) else _said_of(outcome),
    )


def is_answered_as_before(status: int) -> Judged[Outcome]:
    """Match an answer with the status that the same request got before the outage."""
    return Judged(
        f"an answer {status}, as before the outage",
        lambda outcome: None if isinstance(outcome, Answer) and outcome.status == status else _said_of(outcome),
    )


def _said_of(outcome: Outcome) -> str:
    return str(outcome) if isinstance(outcome, ConnectionFailed) else said(outcome)


# Parts of the product


def is_gone(name: str) -> Judged[list[Pod]]:
    def mismatch(pods: list[Pod]) -> str | None:
        return "; ".join(f"{pod.name} is still there, {describe(pod)}" for pod in pods) or None

    return Judged(f"no {name}", mismatch)


def is_silent(name: str) -> Judged[bool]:
    return Judged(f"nobody who answers as {name}", lambda answers: f"{name} still answers" if answers else None)


def is_heard(name: str) -> Judged[bool]:
    return Judged(f"{name}, answering", lambda answers: None if answers else f"{name} does not answer")


def is_gone_of(name: str, before: Collection[Pod]) -> Judged[list[Pod]]:
    """Match a list of pods without any of ``before``."""
    gone = is_gone(name)
    uids = {pod.uid for pod in before}
    return Judged(
        f"nothing of the {name} that crashed",
        lambda pods: _of(gone, [pod for pod in pods if pod.uid in uids]),
    )


def is_there_again(name: str, before: Collection[Pod]) -> Judged[list[Pod]]:
    uids = {pod.uid for pod in before}

    def mismatch(pods: list[Pod]) -> str | None:
        new = [pod for pod in pods if pod.uid not in uids]
        if not before:
            return f"there was no {name} that could have crashed"
        return None if len(new) >= len(before) else f"{len(new)} of {len(before)} are there again"

    return Judged(f"a new {name} for each that crashed", mismatch)


def is_replaced(name: str, before: Collection[Pod]) -> Judged[list[Pod]]:
    uids = {pod.uid for pod in before}

    def mismatch(pods: list[Pod]) -> str | None:
        new = [pod for pod in pods if pod.uid not in uids]
        if len([pod for pod in new if pod.ready]) == len(before) > 0:
            return None
        return "; ".join(f"{pod.name} is {describe(pod)}, ready: {pod.ready}" for pod in new) or "there is no new one"

    return Judged(f"a new {name}, Running and Ready, for each that crashed", mismatch)


def bears_the_names_of(before: Collection[Pod]) -> Judged[list[Pod]]:
    names = sorted(pod.name for pod in before)

    def mismatch(pods: list[Pod]) -> str | None:
        if not names:
            return "there was none before, so there is no name to compare with"
        found = sorted(pod.name for pod in pods)
        return None if found == names else f"it is called {', '.join(found)}"

    return Judged(f"the name {', '.join(names)}", mismatch)


def is_ready(name: str) -> Judged[Deployment]:
    return Judged(
        f"{name}, ready",
        lambda workload: None if workload.ready else f"{workload.name} wants {workload.replicas}, and none is ready",
    )


def runs_as_often_as(name: str, replicas: int) -> Judged[Deployment]:
    """Match a workload that wants this number of replicas and has all of them ready."""

    def mismatch(workload: Deployment) -> str | None:
        if workload.replicas == workload.ready == replicas > 0:
            return None
        return f"{workload.name} wants {workload.replicas} and has {workload.ready} ready, before it were {replicas}"

    return Judged(f"{name}, {replicas} times", mismatch)


def were_not_started_again_since(before: Mapping[str, int]) -> Judged[list[Pod]]:
    """Match servers that all existed before and were not restarted. ``before`` maps the uid of each to its restarts."""

    def mismatch(pods: list[Pod]) -> str | None:
        new = [f"{pod.name} is new" for pod in pods if pod.uid not in before]
        again = [
            f"{pod.name} was started again, {pod.restarts - before[pod.uid]} times"
            for pod in pods
            if pod.uid in before and pod.restarts > before[pod.uid]
        ]
        return "; ".join([*new, *again]) or (None if pods else "there is no server")

    return Judged("the servers that were there before the outage, not started again", mismatch)


def were_started_once() -> Judged[list[Pod]]:
    def mismatch(pods: list[Pod]) -> str | None:
        again = [f"{pod.name} was restarted {pod.restarts} times" for pod in pods if pod.restarts]
        return "; ".join(again) or (None if pods else "there is no server")

    return Judged("servers that were started once", mismatch)


def has_run_all_the_time(pod: Pod) -> Judged[JobView]:
    """Match a job that still has this one pod, Running and not restarted since."""

    def mismatch(view: JobView) -> str | None:
        same = [one for one in view.pods if one.uid == pod.uid]
        if len(view.pods) != 1 or not same or same[0].phase != "Running":
            return f"before the outage it was {pod.name}, now {view}"
        return None if same[0].restarts == pod.restarts else f"{pod.name} was restarted"

    return Judged(f"{pod.name}, Running all the time", mismatch)


# The recording index


def holds_what_it_held(before: IndexState) -> Judged[IndexState]:
    """Match an index with all earlier recordings, once and unchanged. One that was open may have ended meanwhile."""

    def mismatch(now: IndexState) -> str | None:
        if not before.recordings:
            return "the index held no recording before the outage: there is nothing to compare"
        lost = [uuid for uuid in before.recordings if uuid not in now.recordings]
        if lost:
            return f"{len(lost)} of {len(before.recordings)} recordings are lost, the first: {lost[0]}"
        twice = [uuid for uuid, times in Counter(now.uuids).items() if times > 1]
        if twice:
            return f"{len(twice)} recordings are there twice, the first: {twice[0]}"
        changed = [uuid for uuid, kept in before.recordings.items() if not now.recordings[uuid].continues(kept)]
        return f"{len(changed)} recordings have changed, the first: {changed[0]}" if changed else None

    return Judged(f"the {len(before.recordings)} recordings that were there before the outage, each once", mismatch)


def has_the_structure_of(before: IndexState) -> Judged[IndexState]:
    def mismatch(now: IndexState) -> str | None:
        if not before.collections or not before.indexes:
            return "the index had no collection or no index before the outage: there is nothing to compare"
        collections, indexes = before.collections - now.collections, before.indexes - now.indexes
        missing = [f"collection {name} is missing" for name in sorted(collections)]
        return "; ".join(missing + [f"index {index} is missing" for index in sorted(indexes)]) or None

    return Judged("every collection and index that was there before the outage", mismatch)


# An outage in the middle of many openings


def came_in_the_middle(within_s: float) -> Judged[Sequence[Answer | None]]:
    """Match openings of which some succeeded and all others were refused as in any outage.

    With any other result, the outage did not come in the middle.
    """
    refused = is_refused_because_mongodb_is_away(within_s)

    def mismatch(answers: Sequence[Answer | None]) -> str | None:
        others = [answer for answer in answers if answer is None or answer.status != 200]
        wrong = [answer for answer in others if answer is None or not refused.matches(answer)]
        if wrong:
            first = "it got no answer" if wrong[0] is None else said(wrong[0])
            return f"{len(wrong)} of {len(answers)} were neither opened nor refused because of MongoDB; {first}"
        opened = len(answers) - len(others)
        return None if 0 < opened < len(answers) else f"{opened} of {len(answers)} were opened: not in the middle"

    return Judged("some investigations opened, and the others refused because MongoDB is away", mismatch)


def were_cut_short() -> Judged[Sequence[Answer | None]]:
    """Match openings of which some succeeded and all others got no answer, because the server disappeared meanwhile."""

    def mismatch(answers: Sequence[Answer | None]) -> str | None:
        opened = [answer for answer in answers if answer is not None and answer.status == 200]
        refused = [answer for answer in answers if answer is not None and answer.status != 200]
        if refused:
            return f"{len(refused)} of {len(answers)} were refused; {said(refused[0])}"
        return None if 0 < len(opened) < len(answers) else f"{len(opened)} of {len(answers)} were opened: not cut short"

    return Judged("some investigations opened, and the others without an answer", mismatch)


def are_too_many(opened: Collection[str]) -> Judged[Mapping[str, JobView]]:
    """Match jobs among which is one that no answer named. The clean-up of idle jobs would remove it after a while."""
    return Judged("more than was opened", lambda started: None if set(started) - set(opened) else "no more than that")


def are_whole(opened: Collection[str]) -> Judged[Mapping[str, JobView]]:
    """Match started jobs (by job id) that are exactly the opened ones, each running and with its service."""

    def mismatch(started: Mapping[str, JobView]) -> str | None:
        if not opened:
            return "none was opened, so none can be whole"
        more, missing = sorted(set(started) - set(opened)), sorted(set(opened) - set(started))
        if more:
            return f"started although it was refused: {', '.join(more)}"
        if missing:
            return f"answered as open, and not there: {', '.join(missing)}"
        halves = [view for view in started.values() if "Running" not in view.phases or view.service is None]
        return f"half open: {halves[0]}, {'with' if halves[0].service else 'without'} a service" if halves else None

    return Judged("everything of what was opened, and nothing of what was refused", mismatch)


def _of(matcher: Judged[list[Pod]], pods: list[Pod]) -> str | None:
    return None if matcher.matches(pods) else "; ".join(f"{pod.name} is still there" for pod in pods)
