"""List the requests of the suite to a cluster, stage by stage, from audit logs of its API server.

``python -m tools.rights looking=LOG testing=LOG disrupting=LOG > deploy/suite/requests.toml``. A log has one event of
``audit.k8s.io/v1`` per line; a sandbox writes ``logs/kubernetes-audit.log`` into its folder. A request belongs to the
first stage that makes it. Exit code 2 and one sentence if a log cannot be read.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

STAGES = ("looking", "testing", "disrupting")
USER = "focus-acceptance"
CLUSTER = "cluster"
_HEAD = """# What the suite asks of a cluster: verb and resource, by namespace. Written by `python -m tools.rights` from
# the audit logs of three runs; the roles of base/roles.yaml say the same, which a test compares. Each stage has what
# the ones before it have, too.
#   looking      doctor, sweep, remedy, and the scenarios that open nothing
#   testing      everything but what is @disruptive
#   disrupting   everything
"""


class LogError(Exception):
    """A log that cannot be used; the message is one sentence."""


@dataclass(frozen=True, order=True)
class Request:
    """A kind of request. ``resource`` is named as in kubectl: ``pods``, ``jobs.batch``, ``deployments.apps/scale``."""

    place: str
    resource: str
    verb: str

    @classmethod
    def of(cls, event: Any) -> Request:
        about = event["objectRef"]
        group, subresource = about.get("apiGroup"), about.get("subresource")
        resource = about["resource"] + (f".{group}" if group else "") + (f"/{subresource}" if subresource else "")
        return cls(about.get("namespace") or CLUSTER, resource, event["verb"])


def requests_of(log: Path, user: str = USER) -> Iterator[Request]:
    """Yield the requests that a user made. Raises LogError."""
    try:
        lines = log.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise LogError(f"{log}: cannot be read: {error}") from error
    for number, line in enumerate(lines, start=1):
        try:
            event = json.loads(line)
            if event["user"]["username"] == user and "objectRef" in event:
                yield Request.of(event)
        except (ValueError, KeyError, TypeError) as error:
            raise LogError(f"{log} line {number}: no event of an audit log: {type(error).__name__} {error}") from error


def by_stage(logs: dict[str, Path], user: str) -> dict[str, set[Request]]:
    """Return the requests of each stage that no stage before it makes. Raises LogError."""
    known: set[Request] = set()
    found: dict[str, set[Request]] = {}
    for stage in STAGES:
        asked = set(requests_of(logs[stage], user)) if stage in logs else set()
        found[stage] = asked - known
        known |= asked
    return found


def as_toml(stages: dict[str, set[Request]]) -> str:
    """Return the table in the form of requests.toml."""
    text = _HEAD
    for stage, asked in stages.items():
        text += f"\n[{stage}]\n"
        for place in sorted({one.place for one in asked}):
            here = (one for one in sorted(asked) if one.place == place)
            lines = "".join(f'    "{one.verb} {one.resource}",\n' for one in here)
            text += f"{place} = [\n{lines}]\n"
    return text


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.rights", description=__doc__.splitlines()[0])
    parser.add_argument("logs", nargs="+", metavar="STAGE=LOG", help=f"a stage is one of {', '.join(STAGES)}")
    parser.add_argument("--user", default=USER, help="as the API server calls the suite")
    given = parser.parse_args(arguments)
    try:
        logs = dict(_stage_and_log(one) for one in given.logs)
        stages = by_stage(logs, given.user)
        if not any(stages.values()):
            raise LogError(f"{given.user} asks for nothing in any of the logs")
    except LogError as error:
        print(f"rights: {error}", file=sys.stderr)
        return 2
    print(as_toml(stages), end="")
    return 0


def _stage_and_log(text: str) -> tuple[str, Path]:
    stage, _, log = text.partition("=")
    if stage not in STAGES or not log:
        raise LogError(f"{text}: allowed is STAGE=LOG with a stage of {', '.join(STAGES)}")
    return stage, Path(log)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
