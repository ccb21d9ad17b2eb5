"""Small behave projects in a temporary folder, run as `python -m behave` with the real runner and formatters."""

from __future__ import annotations

import functools
import json
import os
import signal
import tempfile
import textwrap
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jsonschema.protocols import Validator
from jsonschema.validators import validator_for

from tests import warm

ROOT = Path(__file__).resolve().parents[2]
SCHEMA_FILE = ROOT / "support" / "reporting" / "run.schema.json"
SCHEMA = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))


@functools.cache
def checks(schema: Path) -> Validator:
    """The validator of a schema, which is itself checked only once: that takes longer than a validation."""
    content = json.loads(schema.read_text(encoding="utf-8"))
    kind = validator_for(content)
    kind.check_schema(content)
    return kind(content)


PYPROJECT = """
[tool.behave]
paths = ["features"]
runner = "support.runner:StrictRunner"
tag_expression_protocol = "v2"
format = ["record"]
default_format = "console"
summary = false
show_snippets = false
[tool.behave.formatters]
record = "support.reporting.formatter:RunRecord"
console = "support.reporting.writers.console:Console"
"""

NO_SANDBOX = {"FOCUS_ENV": "local"}
"""These projects contact no site. In the default environment, each of their runs would start a sandbox."""

STEPS = """
import os, signal, sys
from behave import given, when, then, step

@step("it works")
def it_works(context): pass

@step("it says {text}")
def it_says(context, text): raise AssertionError(text)

@step("it breaks")
def it_breaks(context): raise RuntimeError("no connection")

@step("it is left to {who}")
def it_is_left(context, who): context.add_cleanup(leave, who)

def leave(who): raise RuntimeError(f"{who} did not come")

@step("the user presses Ctrl-C")
def ctrl_c(context): os.kill(os.getpid(), signal.SIGINT)

@step("the step leaves")
def leaves(context): sys.exit(0)
"""


@dataclass
class Outcome:
    """The result of a run. `record` is None if no run.json was written."""

    code: int
    out: str
    err: str
    record: dict[str, Any] | None
    junit: str | None

    def scenario(self, scenario_id: str) -> dict[str, Any]:
        return next(entry for entry in self.checked["scenarios"] if entry["id"] == scenario_id)

    def line(self, scenario_id: str) -> str:
        """The line of the console for a scenario."""
        return next(line for line in self.out.splitlines() if line.startswith(f"  {scenario_id} "))

    @property
    def checked(self) -> dict[str, Any]:
        assert self.record is not None, f"no run.json was written\n{self.out}\n{self.err}"
        return self.record


@dataclass
class BehaveProject:
    """A project folder; `features` maps `area/name.feature` to its text."""

    folder: Path

    def write(
        self, features: dict[str, str], hooks: str = "", steps: str = STEPS, pyproject: str = PYPROJECT
    ) -> BehaveProject:
        (self.folder / "pyproject.toml").write_text(pyproject, encoding="utf-8")
        (self.folder / "environment.py").write_text(textwrap.dedent(hooks), encoding="utf-8")
        (self.folder / "steps").mkdir(exist_ok=True)
        (self.folder / "steps" / "all_steps.py").write_text(steps, encoding="utf-8")
        for name, text in features.items():
            path = self.folder / "features" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text), encoding="utf-8")
        return self

    def run(self, *arguments: str, publish: str = "record", **environment: str) -> Outcome:
        """Run behave. `publish` is `record` for run.json and junit.xml only, `all` for all reports."""
        variables = self.variables(environment)
        done = warm.run("behave", "-D", f"publish={publish}", *arguments, folder=self.folder, variables=variables)
        return self._outcome(done.returncode, done.stdout, done.stderr)

    def run_and_send(self, number: signal.Signals, marker: str, publish: str = "record") -> Outcome:
        """Start a run in its own process group, wait until it prints `marker`, and send the group a signal."""
        out, its_out = os.pipe()
        with Path(os.devnull).open("rb") as nothing, tempfile.TemporaryFile() as errors:
            streams = (nothing.fileno(), its_out, errors.fileno())
            variables = self.variables({})
            process = warm.WarmProcess("behave", ["-D", f"publish={publish}"], streams, self.folder, variables)
            os.close(its_out)
            hangs = threading.Timer(60.0, process.kill)
            hangs.start()
            with os.fdopen(out, encoding="utf-8") as lines:
                seen = ""
                while marker not in seen:
                    line = lines.readline()
                    assert line, f"the run ended without printing {marker!r}: {seen}"
                    seen += line
                os.killpg(process.pid, number)
                seen += lines.read()
            code = process.wait()
            hangs.cancel()
            err = os.pread(errors.fileno(), os.fstat(errors.fileno()).st_size, 0).decode()
        return self._outcome(code, seen, err)

    def variables(self, extra: dict[str, str]) -> dict[str, str]:
        """The environment of a run: ours, without settings of our own run, and with those in ``extra``."""
        inherited = {
            key: value for key, value in os.environ.items() if not key.startswith(("BEHAVE", "FOCUS", "COV", "GITHUB"))
        }
        return {**inherited, **NO_SANDBOX, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", **extra}

    def _outcome(self, code: int, out: str, err: str) -> Outcome:
        run_json, junit = self.folder / "reports" / "run.json", self.folder / "reports" / "junit.xml"
        record = json.loads(run_json.read_text(encoding="utf-8")) if run_json.exists() else None
        if record is not None:
            checks(SCHEMA_FILE).validate(record)
            assert (record["verdict"] == "passed") == (record["why_failed"] == [])
        return Outcome(code, out, err, record, junit.read_text(encoding="utf-8") if junit.exists() else None)
