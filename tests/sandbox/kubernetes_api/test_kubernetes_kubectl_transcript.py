"""The output of the real kubectl on a whole sandbox matches the recorded ``kubectl.transcript`` word for word."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from tests.sandbox.estate.test_lifecycle import Up
from tests.sandbox.kubernetes_api.estate_runs import kubeconfig_of
from tests.sandbox.kubernetes_api.kubectl_runs import needs_kubectl, runner
from tests.sandbox.kubernetes_api.transcripts import Entry, read, write_manifests

SECTIONS = dict(read(Path(__file__).with_name("kubectl.transcript")))


@needs_kubectl
@pytest.mark.parametrize("title", SECTIONS)
def test_kubectl_says_what_the_transcript_says(
    up: Up, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, title: str
) -> None:
    write_manifests(tmp_path)
    monkeypatch.chdir(tmp_path)
    up.control("POST", "/reset")
    kubectl = runner(home, kubeconfig_of(up))
    for entry in SECTIONS[title]:
        done = kubectl(*shlex.split(entry.arguments))
        difference = entry.told_apart(done.stdout + done.stderr, done.returncode)
        assert difference is None, difference


@pytest.mark.parametrize(
    ("expected", "exit_code", "text"),
    [
        (["a  b"], 0, "a b c\n"),
        (["a b"], 0, "a b\nc\n"),
        (["a b", "c"], 0, "a b\n"),
        (["a <n> b"], 0, "a x b\n"),
        (["a <none> b"], 0, "a  b\n"),
        (["a b"], 1, "a  b\n"),
        (["...", "b"], 0, "a\nb\nc\n"),
    ],
)
def test_a_transcript_sees_a_difference(expected: list[str], exit_code: int, text: str) -> None:
    assert Entry("get pods", expected).told_apart(text, exit_code) is not None


def test_a_transcript_overlooks_what_changes_from_run_to_run() -> None:
    entry = Entry("get pods", ["NAME AGE", "...", "p-<five> <age>"], 1)
    assert entry.told_apart("NAME      AGE\n\nq   2m\np-abcde   3m12s\n", 1) is None
