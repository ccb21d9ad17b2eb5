"""DQ-02 and DQ-05 on the profile ``as-deployed-2025-12``: red, green after the remedy, red again after its undo."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.clients.sandbox.embedded import EmbeddedSandbox
from support.config import load_environment
from tests import warm

ROOT = Path(__file__).resolve().parents[2]
PROFILE = "as-deployed-2025-12"


@dataclass
class DeployedSite:
    folder: Path
    run_file: Path

    def behave(self, tags: str) -> dict[str, str]:
        """The status of each scenario by its id."""
        reports = self.folder / "reports"
        options = ["-D", f"sandbox_run_file={self.run_file}", "-D", f"reports={reports}"]
        words = [*options, "-D", "history=", "-D", "publish=record", f"--tags={tags}"]
        done = warm.run("behave", *words, timeout_s=600)
        found = {
            one["id"]: one["status"]
            for one in json.loads((reports / "run.json").read_text(encoding="utf-8"))["scenarios"]
        }
        assert done.returncode == (0 if set(found.values()) == {"passed"} else 1), done.stdout + done.stderr
        return found

    def remedy(self, *words: str) -> tuple[int, list[str]]:
        done = warm.run("tests.focus_acceptance", "remedy", *words, "--run-file", str(self.run_file), timeout_s=600)
        uri = load_environment("sandbox", run_file=self.run_file).mongodb.uri.get_secret_value()
        said = done.stdout + done.stderr
        assert "mongodb://" not in said and uri.split(":")[2].split("@")[0] not in said
        return done.returncode, said.splitlines()

    def carried_out(self, name: str) -> Path:
        """Run the remedy without and with consent, check that both show the same plan, and return the file of old
        values."""
        words = (name, "-e", "sandbox", "--reports", str(self.folder / "reports"))
        code, dry = self.remedy(*words)
        assert (code, dry[-1]) == (1, "nothing was changed; do it with --yes")
        code, done = self.remedy(*words, "--yes")
        assert code == 0 and done[: len(dry) - 1] == dry[:-1], done
        code, again = self.remedy(*words, "--yes")
        assert code == 0 and "  nothing to do" in again
        return max((self.folder / "reports" / "remedies").glob(f"sandbox-{name}-*.json"))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeployedSite]:
    settings = {"time_scale": 0.02, "seed_recordings": 20}
    sandbox = EmbeddedSandbox(settings, ["--profile", PROFILE]).start()
    yield DeployedSite(tmp_path_factory.mktemp("remedies"), sandbox.run_file)
    sandbox.stop()


@pytest.mark.nightly
@pytest.mark.parametrize(("name", "tags"), [("indexes", "@DQ-02"), ("stale-recordings", "@DQ-05")])
def test_what_is_red_is_green_after_the_remedy_and_red_after_undo(site: DeployedSite, name: str, tags: str) -> None:
    before = site.behave(tags)
    assert set(before.values()) == {"failed"}
    file = site.carried_out(name)
    assert set(site.behave(tags).values()) == {"passed"}
    code, dry = site.remedy("undo", str(file))
    assert (code, dry[-1]) == (1, "nothing was changed; do it with --yes")
    code, done = site.remedy("undo", str(file), "--yes")
    assert code == 0 and done[: len(dry) - 1] == dry[:-1]
    assert site.behave(tags) == before


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("indexes", "-e", "nowhere"), "unknown environment 'nowhere'"),
        (("indexes", "-e", "sandbox", "--yes", "--environment-name", "staging"), "the environment is sandbox"),
        (("undo", "/no/such/file.json"), "/no/such/file.json: cannot be read: No such file or directory"),
    ],
)
def test_wrong_use_is_one_sentence(site: DeployedSite, words: tuple[str, ...], sentence: str) -> None:
    code, said = site.remedy(*words)
    assert code == 2 and len(said) == 1 and sentence in said[0]
