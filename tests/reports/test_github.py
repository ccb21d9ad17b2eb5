"""The GitHub reports: a summary that begins with the verdict, and annotations that quoted text cannot break."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from a_record import STARTED, everything, record, scenario

from support.reporting.capacity_report import CapacityReport
from support.reporting.history import History, entry_of
from support.reporting.history.changes import since_the_last_green_run
from support.reporting.publish import publish_run
from support.reporting.writers.github import append_summary, summary, workflow_commands, write_summary


def test_failures_come_first_with_rule_reason_place_and_tickets() -> None:
    text = summary(record(scenario("JL-01b", "failed", evidence=["/machine/reports/evidence/JL-01b.txt"])))
    assert text.splitlines()[0] == "## FAILED: 1 failed."
    block = text[text.index("#### JL-01b") : text.index("### By area")]
    assert "One job for each investigation" in block
    assert "```text\nThen it runs: failed because of a reason\n```" in block
    assert "[PZ-13899](https://tickets.invalid/browse/PZ-13899)" in block
    assert "`evidence/JL-01b.txt`" in block and "/machine" not in text


def test_the_order_is_verdict_suite_failures_areas_known_skipped_slowest() -> None:
    titles = [line for line in summary(everything()).splitlines() if line.startswith("### ")]
    assert titles == [
        "### Outside of the scenarios",
        "### What to do first",
        "### What failed",
        "### By area",
        "### Known issues",
        "### Skipped",
        "### Slowest",
    ]


def test_capacity_is_told_where_it_was_measured() -> None:
    capacity = CapacityReport(Path("reports/infra_gap_report_x.json"), 200, 150, 50, "fail", "50 jobs are <missing>.")
    assert r"50 jobs are \<missing\>. (`infra_gap_report_x.json`)" in summary(everything(), capacity)


def test_areas_are_counted_in_a_table() -> None:
    text = summary(everything())
    assert "| area | passed | failed | error | skipped | known issue | unexpected pass | seconds |" in text
    assert "| Job lifecycle | 2 | 2 | 1 | 2 | 1 | 1 | 12.0 |" in text


def test_text_that_looks_like_markup_is_shown_as_it_is() -> None:
    text = summary(record(scenario("JL-01b", "failed", name="a | b <script> `x` @all #1", reason="```\nend")))
    assert r"#### JL-01b a \| b \<script\> \`x\` \@all \#1" in text
    assert "````text\n```\nend\n````" in text


def test_a_long_reason_is_cut_and_says_so() -> None:
    text = summary(record(scenario("JL-01b", "failed", reason="\n".join(f"line {n}" for n in range(100)))))
    assert "line 11\n... and 88 more lines\n" in text


def test_many_failures_stay_within_what_github_takes() -> None:
    bad = [scenario(f"JL-{n // 26:02}{chr(97 + n % 26)}", "failed", reason="x" * 100_000) for n in range(600)]
    text = summary(record(*bad))
    assert len(text.encode()) < 1_000_000
    assert "The same was seen in 599 more:" in text


def test_each_failure_is_an_error_at_its_line_and_each_known_issue_a_warning() -> None:
    commands = list(workflow_commands(everything()))
    assert commands[:2] == [
        "::error title=outside of the scenarios::after_all: boom",
        "::error title=outside of the scenarios::left over: job 1-16",
    ]
    place = "file=features/job_lifecycle/opening.feature,line=12"
    assert f"::error {place},title=JL-01b Example JL-01b::Then it runs: failed because of a reason" in commands
    assert sum(command.startswith("::error file=") for command in commands) == 4
    assert [command for command in commands if command.startswith("::warning")] == [
        f"::warning {place},title=JL-04a Example JL-04a::Then it runs: known_issue because of a reason"
    ]


def test_a_quoted_text_cannot_become_a_command() -> None:
    (command,) = workflow_commands(record(scenario("JL-01b", "failed", name="a: b, c", reason="100%\r\n::error::x")))
    assert command.endswith("title=JL-01b a%3A b%2C c::100%25%0D%0A::error::x")
    assert "\n" not in command


def test_the_summary_is_added_to_what_others_wrote(tmp_path: Path) -> None:
    job = tmp_path / "job.md"
    job.write_text("before\n")
    append_summary(write_summary(everything(), tmp_path), {"GITHUB_STEP_SUMMARY": str(job)})
    assert job.read_text().startswith("before\n## FAILED: ")
    append_summary(tmp_path / "summary.md", {})


def test_only_where_github_runs_it_does_a_run_speak_to_github(tmp_path: Path, capsys, monkeypatch) -> None:
    job = tmp_path / "job.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(job))
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    publish_run(everything(), tmp_path, tmp_path, tmp_path, every=True)
    assert not job.exists() and "::error" not in capsys.readouterr().out
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    publish_run(everything(), tmp_path, tmp_path, tmp_path, every=True)
    assert job.read_text().startswith("## FAILED: ")
    assert "::error file=features/job_lifecycle/opening.feature,line=12" in capsys.readouterr().out


def test_what_is_new_since_the_last_green_run_stands_above_everything_else() -> None:
    bad = [scenario(f"JL-{n:02}a", "failed", reason=f"Then it runs: {chr(97 + n) * 3}", steps=[]) for n in range(20)]
    green = record(*(scenario(one.id) for one in bad[1:]), started=STARTED - timedelta(days=1))
    red = record(*bad, started=STARTED - timedelta(hours=1))
    changes = since_the_last_green_run(record(*bad), History((entry_of(green), entry_of(red))))
    lines = summary(record(*bad), changes=changes).splitlines()
    news = lines[2 : lines.index("", 4)]
    assert news[0] == "New since the last green run (2026-03-03 05:06 UTC): 20 fail that did not."
    assert news[2] == "- JL-00a Example JL-00a: Then it runs: aaa"
    assert len(news) <= 10
    assert news[-1] == "- and 13 more causes below"
    assert "New since" not in summary(record(scenario()), changes=changes)
    assert since_the_last_green_run(record(*bad), History((entry_of(red),))) is None
