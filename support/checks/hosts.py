"""Matchers for the hosts that engineers log in to: layer 5."""

from __future__ import annotations

from support.checks.matcher import Judged, judged
from support.config import Limits
from support.model.infrastructure import TOOLS, HostFacts


def logs_in_quickly(limits: Limits) -> Judged[HostFacts]:
    limit_s = limits.ssh_connect_s
    return judged(
        f"logged in within {limit_s:g} s",
        lambda facts: (
            None if facts.connect_s <= limit_s else f"logging in to the {facts.name} took {facts.connect_s:.1f} s"
        ),
    )


def answers_as_itself() -> Judged[HostFacts]:
    """Match a host that reports the right name and user, and an uptime, with nothing on standard error."""

    def mismatch(facts: HostFacts) -> str | None:
        for command in ("hostname", "whoami", "uptime"):
            result = facts.results[command]
            if result.exit_status != 0 or result.stderr or not result.stdout.strip():
                said = f"{result.stdout}{result.stderr}".strip()
                return f"{command} on the {facts.name} ended with {result.exit_status}: {said}"
        hostname, user = (facts.results[command].stdout.strip() for command in ("hostname", "whoami"))
        if facts.expected_hostname is not None and hostname != facts.expected_hostname:
            return f"the {facts.name} calls itself {hostname} instead of {facts.expected_hostname}"
        return None if user == facts.expected_user else f"the user on the {facts.name} is {user}"

    return judged("hostname, whoami and uptime answered as configured, without error output", mismatch)


def has_the_tools() -> Judged[HostFacts]:
    def mismatch(facts: HostFacts) -> str | None:
        for command, text in TOOLS.items():
            result = facts.results[command]
            if result.exit_status != 0 or text not in result.stdout:
                return f"{command} ended with {result.exit_status}: {result.stdout}{result.stderr}".strip()
        return None

    return judged("kubectl and k9s that tell their versions", mismatch)
