"""Known issues: the failures that they excuse, and the results of scenarios that have some.

The reason of an issue is a text that the failure must contain. Other failures of the same scenario are not excused.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class KnownIssue:
    """A defect of this environment. `scenario` is an id: `CF-01b` (all rows of an outline) or `CF-01b.3` (one row).

    `expires` is the last day (UTC) on which the failure is excused. The text of the failed step must contain `reason`;
    each further error must contain `reason` or one of `also`. `notice` is the description shown to readers.
    """

    scenario: str
    ticket: str
    expires: datetime.date
    reason: str
    also: tuple[str, ...] = ()
    notice: str = ""

    def covers(self, scenario_id: str) -> bool:
        return scenario_id == self.scenario or scenario_id.startswith(f"{self.scenario}.")

    def expired(self, on: datetime.date) -> bool:
        return on > self.expires

    def explains(self, failure: Sequence[str]) -> bool:
        """Whether the issue explains a failure: the text of the step and all errors after it."""
        step, *errors = map(_plain, failure)
        texts = [_plain(text) for text in (self.reason, *self.also)]
        return texts[0] in step and all(any(text in error for text in texts) for error in errors)

    @property
    def told(self) -> str:
        return f"{self.ticket}: {self.notice or self.reason} (known until {self.expires.isoformat()})"


@dataclass(frozen=True)
class JudgedResult:
    """The status and reason of a result, and the issue with which it failed or in spite of which it passed."""

    status: str
    reason: str | None
    issue: KnownIssue | None = None


def judge_with_issues(
    issues: Sequence[KnownIssue], status: str, reason: str | None, failure: Sequence[str], on: datetime.date
) -> JudgedResult:
    """Apply known issues to a result. `failure` holds the text of the failed step and the errors after it. It is empty
    for a failure that no issue can excuse."""
    if status == "passed" and issues:
        tickets = " and ".join(dict.fromkeys(issue.ticket for issue in issues))
        text = f"passed although {tickets} is listed as a known issue: remove it from the list"
        return JudgedResult("unexpected_pass", text, issues[0])
    if status not in ("failed", "error") or not failure or not issues:
        return JudgedResult(status, reason)
    fitting = [issue for issue in issues if issue.explains(failure)]
    for issue in fitting:
        if not issue.expired(on):
            return JudgedResult("known_issue", f"{issue.told}\n{reason}", issue)
    notes = [f"(the known issue {issue.ticket} expired on {issue.expires.isoformat()})" for issue in fitting]
    notes = notes or [f"(the known issue {issue.ticket} is another failure of it: {issue.reason})" for issue in issues]
    return JudgedResult(status, "\n".join([str(reason), *notes]))


def _plain(text: str) -> str:
    return " ".join(text.split())
