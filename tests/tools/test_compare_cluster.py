"""``tools/compare_cluster``: sandboxes of both versions against recorded real clusters, and against each other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from kubernetes import client, config

from tests.sandbox.estate.test_lifecycle import ROOT, Up
from tools import compare_cluster
from tools.conformance.cluster.probing import Cluster, registry
from tools.conformance.facts import Observed, Record, compare, compare_with_record, nearest, numbers, records, table

SCALE = 0.5
VERSIONS = ("1.25", "1.34")


@pytest.fixture(scope="module")
def kubeconfigs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The kubeconfigs of one sandbox of each version."""
    folder = tmp_path_factory.mktemp("clusters")

    def start(version: str) -> Up:
        settings = (f"kubernetes_version={version}", f"time_scale={SCALE:g}", "seed_recordings=0", "controller_qps=20")
        return Up(folder / f"{version}.json", *(word for each in settings for word in ("--set", each)))

    with ThreadPoolExecutor() as pool:
        started = dict(zip(VERSIONS, pool.map(start, VERSIONS), strict=True))
    yield {version: up.endpoints["kubernetes"]["kubeconfig"] for version, up in started.items()}
    for up in started.values():
        up.process.terminate()
    for up in started.values():
        up.process.wait(60)


@pytest.fixture(scope="module")
def played(kubeconfigs: dict[str, str]) -> dict[str, Observed]:
    """The results of each probe on each sandbox. The pace is real there, so its probe runs too."""
    clusters = [Cluster(Path(path), SCALE) for path in kubeconfigs.values()]
    return dict(zip(VERSIONS, compare_cluster.play(clusters, registry.chosen(())), strict=True))


def documented(heading: str) -> set[str]:
    """The facts that docs/sandbox.md names under a heading."""
    text = (ROOT / "docs" / "sandbox.md").read_text(encoding="utf-8")
    section = text.partition(f"### {heading}")[2].partition("\n### ")[0]
    return {name for name in re.findall(r"`([a-z-]+\.[a-z-]+)`", section) if name.split(".")[0] in registry.probes}


@pytest.mark.nightly
@pytest.mark.parametrize("version", VERSIONS)
def test_a_sandbox_answers_as_real_ones_but_for_what_is_documented(played: dict[str, Observed], version: str) -> None:
    record = nearest(records("kubernetes"), version)
    assert record.version.startswith(f"{version}.")
    found = compare_with_record(played[version], record, registry.probes)
    told = documented("Kubernetes API: what differs without being refused")
    assert {each.fact for each in found.differences} == told, table(found, "sandbox", "recorded")
    assert found.compared >= 30


@pytest.mark.nightly
def test_two_versions_differ_in_what_differs_between_versions(played: dict[str, Observed]) -> None:
    found = compare(*played.values())
    told = documented("Kubernetes: which version, and at which pace")
    assert {each.fact for each in found.differences} == told, table(found, *VERSIONS)


@pytest.mark.nightly
def test_the_command_prints_what_differs(kubeconfigs: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    words = [word for path in kubeconfigs.values() for word in ("--kubeconfig", path)]
    wanted = ["--probe", "extended-resource", "--probe", "nodes", "--time-scale", f"{SCALE:g}"]
    assert compare_cluster.main([*words, *wanted, "--yes-this-cluster"]) == 1
    said = capsys.readouterr().out
    assert re.findall(r"^(\S+)\n  v1\.25", said, re.MULTILINE) == ["extended-resource.text"]
    assert said.endswith("4 facts compared, 1 differ\n")


@pytest.mark.nightly
def test_nothing_is_left_behind(kubeconfigs: dict[str, str]) -> None:
    for path in kubeconfigs.values():
        with config.new_client_from_config(path) as connection:
            names = [each.metadata.name for each in client.CoreV1Api(connection).list_namespace().items]
        assert not [name for name in names if name.startswith("focus-compare-")]


@pytest.mark.nightly
def test_an_unmarked_cluster_is_not_touched(kubeconfigs: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        compare_cluster.main(["--kubeconfig", kubeconfigs["1.34"]])
    said = capsys.readouterr().err
    assert ended.value.code == 2 and len(said.splitlines()) == 1
    assert "is not marked for this" in said and "kubectl annotate namespace kube-system" in said


@pytest.mark.nightly
def test_a_marked_cluster_is_used(kubeconfigs: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    mark = {"metadata": {"annotations": {"focus-acceptance/may-be-used": "true"}}}
    with config.new_client_from_config(kubeconfigs["1.34"]) as connection:
        core = client.CoreV1Api(connection)
        core.patch_namespace("kube-system", mark)
        try:
            assert compare_cluster.main(["--kubeconfig", kubeconfigs["1.34"], "--probe", "nodes"]) == 0
        finally:
            core.patch_namespace("kube-system", {"metadata": {"annotations": {"focus-acceptance/may-be-used": None}}})
    assert "2 facts compared, 0 differ" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--kubeconfig", "nowhere.yaml"], "nowhere.yaml cannot be read"),
        (["--kubeconfig", "pyproject.toml"], "pyproject.toml is no"),
        (["--kubeconfig", "a"] * 3, "given 3 times; allowed: once or twice"),
        (["--kubeconfig", "a", "--time-scale", "7"], "--time-scale 7: allowed is 0.001 to 1"),
        (["--kubeconfig", "a", "--probe", "nope"], "no probe nope; there are running-job, "),
    ],
)
def test_wrong_use_is_one_sentence(capsys: pytest.CaptureFixture[str], words: list[str], sentence: str) -> None:
    with pytest.raises(SystemExit) as ended:
        compare_cluster.main(words)
    said = capsys.readouterr().err
    assert ended.value.code == 2 and sentence in said and len(said.splitlines()) == 1


def test_every_recorded_fact_is_one_that_a_probe_finds() -> None:
    for record in records("kubernetes"):
        assert record.facts and record.provenance
        assert {name.split(".")[0] for name in record.facts} <= registry.probes.keys(), record.version
    assert {probe.row for probe in registry.probes.values()} == set(range(14))  # each row of the table has a probe


def test_facts_are_compared_one_by_one() -> None:
    two = compare({"a.x": 1, "a.y": [], "b.z": True}, {"a.x": 1, "a.y": ["c"]})
    assert [(each.fact, each.one, each.other) for each in two.differences] == [
        ("a.y", [], ["c"]), ("b.z", True, "not seen"),
    ]  # fmt: skip
    record = Record("1.0", ("here",), {"a.x": 2, "a.w": 3, "c.v": 4})
    one = compare_with_record({"a.x": 1, "a.y": 5, "b.not played to its end": "why"}, record, ["a", "b"])
    assert {each.fact for each in one.differences} == {"a.x", "a.w", "b.not played to its end"}
    assert one.unmatched == ("a.y",)


def test_the_newest_record_that_is_not_newer_judges_a_version() -> None:
    known = [Record(version, (), {}) for version in ("1.25.10", "1.34.1")]
    judged = {version: nearest(known, version).version for version in ("v1.25.12+k3s1", "v1.34.1", "v1.36.0", "v1.2")}
    assert judged == {"v1.25.12+k3s1": "1.25.10", "v1.34.1": "1.34.1", "v1.36.0": "1.34.1", "v1.2": "1.25.10"}
    assert numbers("v1.34.1+k3s1") == (1, 34, 1)
