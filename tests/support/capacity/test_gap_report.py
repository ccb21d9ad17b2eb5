"""The gap report: valid by its schema, correct in its numbers, and written for each possible end of a run."""

import functools
import json
import re
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from support.capacity.load.results import ClusterEvidence
from support.capacity.report import gap_report
from support.capacity.report.gap_report import build_report, write_report
from tests.support.capacity.canned import paced, refused, step
from tests.support.capacity.canned_runs import RUNS, queueing, shortage_of_slices, success
from tests.support.capacity.test_bottleneck_rows import CASES

SCHEMA = json.loads((Path(gap_report.__file__).parents[1] / "infra_gap_report.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


@functools.cache
def made_report(name):
    return json.dumps(build_report(RUNS[name]()))


def report(name):
    return json.loads(made_report(name))


@pytest.mark.parametrize("name", RUNS)
def test_every_end_of_a_run_gives_a_valid_report(name):
    VALIDATOR.validate(report(name))


@pytest.mark.parametrize("name", CASES)
def test_every_row_of_the_bottleneck_table_gives_a_valid_report_that_names_it_first(name):
    case = CASES[name]
    made = replace(
        queueing(),
        step=step(case.records),
        during=case.seen,
        before=case.more.get("before", ClusterEvidence()),
        ramp=tuple(step(records) for records in case.more.get("ramp", ())),
        self_check=case.more.get("self_check"),
        target=replace(queueing().target, phase_limits_s={"scheduled": case.more.get("limit_s", 30.0)}),
    )
    found = build_report(made)
    VALIDATOR.validate(found)
    assert found["bottleneck_analysis"][0]["id"] == case.cause
    assert found["recommendations"][0]["for"] == case.cause
    assert found["next_steps"]


def without(key):
    return lambda found: found.pop(key)


def changed(*path, to):
    def change(found):
        for key in path[:-1]:
            found = found[key]
        found[path[-1]] = to

    return change


@pytest.mark.parametrize(
    "spoil",
    [
        *(without(key) for key in SCHEMA["required"]),
        changed("schema", to="focus-acceptance/infra-gap-report/2"),
        changed("result", "success", "rate", to="60.00%"),
        changed("result", "success", "rate", to=60.0),
        changed("result", "latency", "p95_ms", to="197 ms"),
        changed("gap_analysis", "verdict", to="passed"),
        changed("gap_analysis", "achieved", to=-1),
        changed("gap_analysis", "gates", to=[]),
        changed("bottleneck_analysis", 0, "evidence", to=[]),
        changed("bottleneck_analysis", 0, "confidence", to=0.9),
        changed("bottleneck_analysis", 0, "evidence", 0, "value", to=None),
        changed("recommendations", 0, "verify_with", to="run it again"),
        changed("run", "started", to="2026-11-21 10:00:00"),
        changed("resources", "supplies", 0, "slots", to="120"),
        changed("result", "phases", 0, "phase", to="ready"),
        changed("machine_cpu_percent", to=85.0),
    ],
)
def test_a_wrong_report_is_not_valid(spoil):
    found = report("shortage_of_slices")
    spoil(found)
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate(found)


def test_a_shortage_says_what_is_missing_and_what_to_do():
    found = report("shortage_of_slices")
    gap = found["gap_analysis"]
    assert (gap["target"], gap["achieved"], gap["gap"], gap["verdict"]) == (200, 120, 80, "fail")
    causes = {each["id"]: each["primary_for_jobs"] for each in found["bottleneck_analysis"]}
    assert causes == {"gpu-slices": 78, "quota": 1}
    assert found["unattributed"]["jobs"] == 1
    assert sum(causes.values()) + found["unattributed"]["jobs"] == found["result"]["failed"] == gap["gap"]
    first = found["recommendations"][0]
    assert (first["for"], first["from"], first["to"], first["verify_with"]) == ("gpu-slices", "120", "200", "@CA-01a")
    assert "2 more nodes like the present ones (60 jobs on each)" in first["arithmetic"]
    assert "120 of 200 jobs" in gap["sentence"] and "78 failed because no GPU slice is free" in gap["sentence"]
    assert found["result"]["latency"]["p99_note"].startswith("indicative")
    assert found["capacity"]["highest_step_passed"] == 100
    assert "answer 500: Gremlins in the rack" in found["unattributed"]["texts"]


def test_a_success_tells_the_headroom():
    found = report("success")
    assert (found["gap_analysis"]["verdict"], found["gap_analysis"]["headroom_jobs"]) == ("pass", 40)
    assert (found["bottleneck_analysis"], found["recommendations"]) == ([], [])
    assert found["next_steps"] == [
        "Nothing has to be changed: there is room for 40 more jobs, then nvidia.com/gpu.shared runs out first."
    ]
    assert found["baseline"]["alarm"] is False or found["baseline"]["limit_ms"] > found["baseline"]["median_p95_ms"]


def test_a_success_names_the_pace_of_the_control_plane():
    made = success()
    found = build_report(replace(made, step=step(paced(range(1, 201), 20.0))))
    assert found["gap_analysis"]["verdict"] == "pass"
    assert found["next_steps"][-1] == (
        "Expect the control plane's own pace: it starts 20.0 pods a second, the last of 200 after 10 s."
    )


def test_an_abort_is_partial_and_never_a_pass():
    found = report("aborted")
    assert found["partial"] is True
    assert found["gap_analysis"]["verdict"] == "inconclusive"
    assert found["stopped_because"] == "interrupted"
    none = report("never_ran")
    assert (none["partial"], none["result"], none["gap_analysis"]["verdict"]) == (True, None, "inconclusive")


def test_an_abort_that_has_already_shown_the_shortage_stays_a_failure():
    made = replace(shortage_of_slices(), stopped_because="interrupted")
    assert build_report(made)["gap_analysis"]["verdict"] == "fail"


def test_fewer_jobs_than_the_target_never_pass():
    made = success()
    part = replace(made, step=step(made.step.records[:199]))
    assert build_report(part)["gap_analysis"]["verdict"] == "inconclusive"


def test_a_generator_without_trust_is_never_the_servers_failure():
    found = report("untrusted")
    assert found["gap_analysis"]["verdict"] == "inconclusive"
    assert found["bottleneck_analysis"][0]["id"] == "generator"
    assert report("queueing")["gap_analysis"]["verdict"] == "fail"


def test_late_answers_have_a_cause_though_no_job_failed():
    found = report("queueing")
    first = found["bottleneck_analysis"][0]
    assert (first["id"], first["primary_for_jobs"], first["slow_jobs"]) == ("server-queueing", 0, 152)
    workers = found["recommendations"][0]
    assert workers["to"] == 100, "200 jobs of 150 ms in 300 ms"
    assert 20 <= workers["from"] <= 26


def test_a_few_late_answers_within_the_limit_of_p95_are_no_finding():
    made = success()
    records = (*made.step.records[:197], *queueing().step.records[197:])
    found = build_report(replace(made, step=step(records)))
    assert found["gap_analysis"]["verdict"] == "pass"
    assert found["bottleneck_analysis"] == []


def test_next_steps_come_from_findings():
    made = shortage_of_slices()
    told = build_report(made)["next_steps"]
    assert any("nvidia.com/gpu.shared" in each and "@CA-01a" in each for each in told)
    assert any("1 investigation without a known cause" in each for each in told)
    gone = build_report(replace(made, step=step([refused(number, "", 500) for number in range(1, 201)]),
                                during=ClusterEvidence()))  # fmt: skip
    assert gone["next_steps"] == [
        "Look into 200 investigations without a known cause; start with the texts no rule knows."
    ]


def test_the_files(tmp_path):
    found = report("shortage_of_slices")
    found["run"]["environment"] = "lab/two"
    path, page = write_report(found, tmp_path / "reports")
    assert path.name == "infra_gap_report_lab-two_20261121T100130Z.json"
    assert page == path.with_suffix(".html")
    assert json.loads(path.read_text(encoding="utf-8")) == found


@pytest.mark.parametrize("name", RUNS)
def test_the_page_stands_alone_and_says_the_verdict_first(name, tmp_path):
    found = report(name)
    text = write_report(found, tmp_path)[1].read_text(encoding="utf-8")
    assert "<script" not in text and "http://" not in text and "https://" not in text and "@import" not in text
    heading = re.search(r"<h1>(.*?)</h1>", text).group(1)
    assert heading.replace("&#39;", "'") == found["gap_analysis"]["sentence"]
    assert text.index("<h1>") < text.index("<h2>")
    for each in found["recommendations"]:
        assert each["verify_with"] in text


def test_texts_of_the_cluster_are_shown_and_never_obeyed(tmp_path):
    made = shortage_of_slices()
    evil = refused(1, "<script>alert(1)</script>\x1b[2J\u202e", 500)
    text = write_report(build_report(replace(made, step=step([evil]))), tmp_path)[1].read_text(encoding="utf-8")
    assert "<script>" not in text and "\x1b" not in text and "\u202e" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;\\x1b[2J\\u202e" in text


def test_the_release_is_told_beside_the_phases_of_opening():
    made = success()
    records = [replace(each, released_s=0.5 if each.number < 200 else 3.0) for each in made.step.records]
    phases = build_report(replace(made, step=step(records)))["result"]["phases"]
    assert [each["phase"] for each in phases] == [
        "answered", "job_seen", "scheduled", "running", "port_open", "released"
    ]  # fmt: skip
    assert (phases[-1]["p50_ms"], phases[-1]["max_ms"]) == (500, 3000)
