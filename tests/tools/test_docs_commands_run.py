"""Each command of the docs runs, on one warm sandbox if it needs one; commands that cannot run here give a reason.

Site names in the docs are replaced by that sandbox, and reports by ones in a folder of the test.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from support.reporting.history import append
from support.reporting.history.entry import HistoryEntry
from tests.gates.test_docs_commands import ALL

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
LONG = "it runs for more than two seconds"
FOREVER = "it stays until it is ended, which has a test of its own below"
INSTALLS = "it asks the package index"
WRITES = "it writes into the checkout, and a gate compares what it writes"
NEEDS_NPM = "it needs a tool of npm"
PATTERN = "it is a pattern and no command"
NOT_HERE = {
    "make acceptance": LONG,
    "make acceptance ENV=staging CONFIRM=staging": LONG,
    'make acceptance ENV=staging TAGS="@CA or @PF"': LONG,
    'make acceptance ENV=staging TAGS="@JL and not (@load or @disruptive)"': LONG,
    "make acceptance ENV=staging TAGS=@IN": LONG,
    "make acceptance ENV=staging TAGS=@smoke": LONG,
    'make acceptance TAGS="@RS"': LONG,
    "make acceptance TAGS=@smoke": LONG,
    "make acceptance PARALLEL=N": PATTERN,
    ".venv/bin/python -m behave -D env=staging --tags=@PV features/prelaunch_validation": LONG,
    ".venv/bin/python -m behave -D env=staging -D slow=yes --tags=@SB-02a": LONG,
    ".venv/bin/python -m behave -D sandbox_run_file=/tmp/run.json": LONG,
    ".venv/bin/focus-acceptance faults --all": LONG,
    ".venv/bin/focus-acceptance faults --fault job-crashes --fault port-shared": LONG,
    ".venv/bin/focus-acceptance faults --workers 6": LONG,
    ".venv/bin/focus-acceptance faults --parallel 4": LONG,
    "make bench": LONG,
    "make faults": LONG,
    "make faults FAULT=job-crashes": LONG,
    "make faults FAULT=your-fault": PATTERN,
    "make faults PROFILE=as-deployed-2025-12": LONG,
    "make lint": LONG,
    "make repeat N=10": LONG,
    ".venv/bin/focus-acceptance repeat --times 3 --busy 24 --busy-every 1 --busy-after 30": LONG,
    "make test": LONG,
    "make nightly": LONG,
    "make extras": INSTALLS,
    "make lock": INSTALLS,
    ".venv/bin/focus-acceptance doctor -e staging --json": LONG,
    ".venv/bin/focus-acceptance --install-completion": "it writes to the shell of whoever runs it",
    ".venv/bin/python -m tools.readme": WRITES,
    ".venv/bin/python -m tools.scope_page": WRITES,
    ".venv/bin/python -m tools.translations": WRITES,
    ".venv/bin/python tools/licences.py": WRITES,
    ".venv/bin/focus-acceptance report allure": NEEDS_NPM,
    ".venv/bin/focus-acceptance remedy undo FILE": PATTERN,
    ".venv/bin/python -m tools.compare_cluster --kubeconfig PATH": PATTERN,
    ".venv/bin/python -m tools.compare_cluster --kubeconfig A --kubeconfig B": PATTERN,
    ".venv/bin/python -m tools.compare_mongodb --uri URI": PATTERN,
    ".venv/bin/python -m tools.compare_mongodb --uri A [--uri B]": PATTERN,
    ".venv/bin/focus-acceptance load --profile load/profiles/constant.yaml -e staging --confirm staging": LONG,
    ".venv/bin/focus-acceptance load --profile load/profiles/ramp.yaml -e staging --confirm staging --expect-workers 4 "
    "--listen 10.0.0.7:5557": LONG,
    ".venv/bin/focus-acceptance load-worker --master 10.0.0.7:5557": "its master runs on another machine",
    ".venv/bin/python -m tools.load_limits": LONG,
    ".venv/bin/python -m tools.mutants keep": WRITES,
    ".venv/bin/python -m tools.mutants record": LONG,
    ".venv/bin/python -m tools.mutants run --only ID --first CF-09a": LONG,
    ".venv/bin/python -m tools.mutants run --resume": LONG,
    ".venv/bin/python -m tools.mutants run --sample 20 --seed 1": LONG,
    ".venv/bin/python -m tools.mutants run --survivors --all": LONG,
    ".venv/bin/python -m tools.mutants survivors": "it needs what a long run has found",
    ".venv/bin/python -m tools.mutants table": "it needs what a long run has found",
    "make acceptance ENV=cluster": "it needs a cluster",
    "make real": "it needs a cluster",
    ".venv/bin/focus-acceptance report compare": PATTERN,
    ".venv/bin/focus-acceptance shard plan --shards 3 -e sandbox -o plan.json": "tests/endings/test_shards.py plans",
    ".venv/bin/focus-acceptance shard run --plan plan.json --index 0": LONG,
    ".venv/bin/focus-acceptance report merge reports/shards/0 reports/shards/1 reports/shards/2": (
        "it needs what a long run has found"
    ),
    ".venv/bin/python -m tools.rights looking=LOG testing=LOG disrupting=LOG": PATTERN,
    "make plan SHARDS=3": "tests/endings/test_shards.py plans",
    "make shard INDEX=0": LONG,
    "make merge": "it needs what a long run has found",
    ".venv/bin/focus-acceptance watch --tags=@JL-03": FOREVER,
    ".venv/bin/python -m tests.tools.watched": LONG,
    ".venv/bin/focus-acceptance sandbox up --run-file /tmp/run.json --set gpu_slices=120 --fault job-crashes": FOREVER,
    ".venv/bin/focus-acceptance sandbox up --profile as-deployed-2025-12 --run-file /tmp/run.json": FOREVER,
    ".venv/bin/focus-acceptance sandbox up [--run-file PATH] [--set key=value ...] [--fault ID ...] [--profile NAME]": (
        PATTERN
    ),
    ".venv/bin/focus-acceptance sandbox up --detach": "the fixture below runs it",
    ".venv/bin/focus-acceptance sandbox down": "the fixture below runs it",
}
EXIT_CODES = {"report summary": 1}
"""Exit codes of commands that report on a failed run; all others end with 0."""
COMMANDS = list(dict.fromkeys(command for _, command in ALL))
IN_A_GATE = (".venv/bin/focus-acceptance list ", ".venv/bin/python -m tools.new_scenario JL-03 ")
"""tests/gates/test_docs_commands.py and tests/tools/test_new_scenario.py run these."""
HERE = (
    "make help",
    "make acceptance FAILED=1 OPEN=1",
    'make acceptance TAGS="@JL and @smoke"',
    '.venv\\Scripts\\python -m behave -D env=staging --tags="@JL and @smoke"',
    ".venv\\Scripts\\focus-acceptance doctor -e staging",
    ".venv/bin/focus-acceptance doctor -e staging",
    ".venv/bin/focus-acceptance remedy indexes -e staging",
    ".venv/bin/focus-acceptance remedy stale-recordings -e staging",
    ".venv/bin/focus-acceptance sweep -e staging",
    ".venv/bin/focus-acceptance report all",
    ".venv/bin/focus-acceptance report bundle",
    ".venv/bin/focus-acceptance report compare A B",
    ".venv/bin/focus-acceptance report flaky",
    ".venv/bin/focus-acceptance report open",
    ".venv/bin/focus-acceptance report summary",
    ".venv/bin/focus-acceptance report xray --edition server",
    ".venv/bin/python -m pytest --collect-only tests/sandbox/PART",
    ".venv/bin/python -m tools.new_scenario --help",
)
"""The commands that run below. Each was reviewed and added by hand; a command of the docs does not run
automatically."""
FAULT = "answered-port-differs"


class WarmSandbox:
    """One sandbox for all commands. ``failed`` holds the reports of a run with a failure."""

    def __init__(self, folder: Path) -> None:
        self.run_file, self.failed, self.home = folder / "run.json", folder / "failed", folder / "home"
        self.home.mkdir()

    def call(self, words: list[str]) -> subprocess.CompletedProcess[str]:
        """Run a command in an environment in which it opens no browser and changes no user's shell."""
        variables = {**os.environ, "CI": "true", "HOME": str(self.home), "SHELL": "/bin/bash"}
        return subprocess.run(words, cwd=ROOT, env=variables, capture_output=True, text=True, timeout=120)

    def adapted(self, command: str, reports: Path) -> list[str]:
        """The words of a command of the docs, on this sandbox and with these reports."""
        text = command.replace(".venv\\Scripts\\", ".venv/bin/").replace("/tmp/run.json", str(self.run_file))
        text = text.replace("-D env=staging", f"-D sandbox_run_file={self.run_file}")
        text = text.replace("-e staging", f"-e sandbox --run-file {self.run_file}")
        text = text.replace("compare A B", f"compare {reports} {reports}").replace("/PART", "/links")
        words = [word.replace(".venv/bin/", f"{BIN}/") for word in shlex.split(text)]
        if words[:2] == ["make", "acceptance"]:
            words += [f"REPORTS={reports}", f"BIN={BIN}", f"RUN_FILE={self.run_file}"]
        if "behave" in words:
            words += ["-D", f"reports={reports}"]
        if "report" in words and "compare" not in words:
            words += ["--reports", str(reports)]
        return words


@pytest.fixture(scope="module")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WarmSandbox]:
    one = WarmSandbox(tmp_path_factory.mktemp("docs"))
    sandbox = [f"{BIN}/focus-acceptance", "sandbox"]
    up = one.call([*sandbox, "up", "--detach", "--run-file", str(one.run_file), "--fault", FAULT])
    assert up.returncode == 0, up.stderr
    try:
        ran = one.call(one.adapted(".venv/bin/python -m behave -D env=staging --tags=@JL-05a", one.failed))
        assert ran.returncode == 1, ran.stdout
        two_earlier_runs(one.failed / "history")
        repair(one.run_file)
        yield one
    finally:
        down = one.call([*sandbox, "down", "--run-file", str(one.run_file)])
    assert down.returncode == 0, down.stderr


def repair(run_file: Path) -> None:
    control = json.loads(run_file.read_text())["control"]
    headers = {"Authorization": f"Bearer {control['token']}"}
    assert requests.delete(f"{control['url']}/faults/{FAULT}", headers=headers, timeout=30).ok


def two_earlier_runs(folder: Path) -> None:
    """Make two runs of the same revision, so that they can be compared."""
    entry = json.loads((ROOT / "docs" / "examples" / "history.json").read_text(encoding="utf-8"))
    for number in (1, 2):
        run = HistoryEntry.model_validate({**entry, "started": f"2026-03-0{number}T05:06:07Z"})
        append(folder, run)


@pytest.fixture
def reports(warm: WarmSandbox, tmp_path: Path) -> Path:
    """Reports for one command: the failed run is the last one."""
    return Path(shutil.copytree(warm.failed, tmp_path / "reports"))


def test_every_command_of_the_docs_is_run_or_says_why_not() -> None:
    known = {*HERE, *NOT_HERE, *(one for one in COMMANDS if one.startswith(IN_A_GATE))}
    assert set(COMMANDS) - known == set(), "add it to HERE, or to NOT_HERE with the reason"
    assert known - set(COMMANDS) == set(), "it is not in the docs any more"


@pytest.mark.nightly
@pytest.mark.parametrize("command", HERE)
def test_a_command_of_the_docs_does_what_it_is_there_for(warm: WarmSandbox, reports: Path, command: str) -> None:
    done = warm.call(warm.adapted(command, reports))
    wanted = next((code for words, code in EXIT_CODES.items() if words in command), 0)
    assert done.returncode == wanted, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert done.stdout


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("command", "says"),
    [
        (one, "watching features/" if " watch " in one else "ready")
        for one, why_not in NOT_HERE.items()
        if why_not == FOREVER
    ],
)
def test_what_stays_until_it_is_ended_begins_and_ends(
    warm: WarmSandbox, reports: Path, tmp_path: Path, command: str, says: str
) -> None:
    words = [word.replace(str(warm.run_file), str(tmp_path / "run.json")) for word in warm.adapted(command, reports)]
    words += ["--run-file", str(warm.run_file), "--reports", str(reports)] if "watch" in words else []
    process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert any(says in line for line in process.stdout)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (0, "")
