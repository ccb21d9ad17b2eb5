"""Secrets planted wherever the suite reads appear nowhere that it writes, in any spelling."""

from __future__ import annotations

import io
import json
import os
import re
import zipfile
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from urllib.parse import quote

import pymongo
import pytest

from tests import warm
from tests.endings.killed_site import Site, site
from tests.endings.planters import planted
from tests.endings.planting import KNOWN, MARK, hidden_forms, told, written
from tests.endings.test_run_endings import Behave, WarmBehave

VARIABLES = {
    "MY_TOOL_PASSWORD": KNOWN,
    "HTTPS_PROXY": f"http://me:{told('proxy')}@127.0.0.1:9",
    "FOCUS__RABBITMQ__HOST": "127.0.0.1",
    "FOCUS__RABBITMQ__USER": "me",
    "FOCUS__RABBITMQ__PASSWORD": KNOWN,
    "FOCUS__RABBITMQ__EXCHANGE": "x",
}
FAILS = "@JL-05c or @DQ-07 or @PV-09a or @MD-03d or @IN-05a or @IN-05b"
FAULTS = ("job-crashes", "refusals-do-not-say-why")


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("sandbox"), *(word for name in FAULTS for word in ("--fault", name))) as one:
        uri, database = one.environment.mongodb.uri.get_secret_value(), one.environment.mongodb.database
        with pymongo.MongoClient(uri) as client:
            collection = client[database][one.index.recordings_collection(one.environment.mongodb.base_path)]
            command = f"record --to rtsp://me:{told('recorder')}@h/ {' '.join(written(KNOWN))}"
            collection.update_many({}, {"$set": {"fiber_metadata.cmd": command, "fiber_metadata.layer_type": "x"}})
        yield one


def test_no_secret_comes_out(sandbox: Site, tmp_path: Path) -> None:
    plain = tmp_path / "plain.txt"
    with planted(sandbox.run_file, tmp_path) as run_file:
        userdata = ("-D", f"sandbox_run_file={run_file}")
        (own := tmp_path / "own").mkdir()
        formats = ("-f", "plain", "-o", str(plain), "-f", "console")
        run = WarmBehave(own, *userdata, f"--tags={FAILS}", *formats, **VARIABLES, **github(own))
        outputs = {"stdout": run.said.encode(), "stderr": run.end()[1].encode()}
        for words in (
            ["doctor", "-e", "sandbox", "--run-file", str(run_file)],
            ["sweep", "-e", "sandbox", "--run-file", str(run_file), "--reports", str(run.reports)],
            ["report", "summary", "--reports", str(run.reports)],
            ["report", "bundle", "--reports", str(run.reports)],
        ):
            outputs[" ".join(words[:2])] = command(words)
        outputs["doctor, no login"] = command(["doctor", "-e", "sandbox", "--run-file", str(run_file)], **NO_LOGIN)
    outputs |= {str(path.relative_to(tmp_path)): path.read_bytes() for path in (plain, *files(own))}
    assert [one for one in WRITTEN if not any(fnmatch(place, f"own/{one}") for place in outputs)] == []
    assert b"\n::error file=features/" in outputs["stdout"] and b"and said: got ***" in outputs["doctor, no login"]
    found = {place: secrets_in(content) for place, content in outputs.items()}
    print("\n".join(f"{count(outputs[place]):4} hidden, {len(found[place])} found: {place}" for place in outputs))
    assert {place: secrets for place, secrets in found.items() if secrets} == {}
    failed = {one["id"] for one in run.record()["scenarios"] if one["status"] == "failed"}
    assert failed >= {"JL-05c", "DQ-07a", "DQ-07b", "IN-05a", "IN-05b"}
    # The planted secrets reached the suite: the outputs contain them in hidden form.
    for place in ("evidence/JL-05c.jobs.yaml", "evidence/JL-05c.events.txt", "evidence/JL-05c.logs.txt"):
        assert count((run.reports / place).read_bytes()) > len(written(KNOWN)) // 2, place
    for place in ("DQ-07b", "IN-05a", "IN-05b"):
        assert count((run.reports / "evidence" / f"{place}.txt").read_bytes()) > 0, place


WRITTEN = (
    *("reports/run.json", "reports/junit.xml", "reports/xray.json", "reports/summary.md", "reports/metrics.prom"),
    *("reports/allure-results/*", "reports/site/index.html", "reports/evidence/*", "reports/changes-sandbox.jsonl"),
    *("reports/ledger-sandbox.jsonl", "reports/*.zip", "github.md"),
)
"""Patterns, for each of which the search must find a file."""
NO_LOGIN = {"PLUGIN_ENDS_WITH": "3"}


def github(folder: Path) -> dict[str, str]:
    """Variables of a job on GitHub, which gets a report of the failures."""
    return {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(folder / "github.md")}


@pytest.mark.nightly
@pytest.mark.parametrize(
    "options",
    [
        "authMechanism=MONGODB-AWS&authMechanismProperties=AWS_SESSION_TOKEN:{}",
        "authMechanismProperties=AWS_SESSION_TOKEN:{},NO_SUCH_PROPERTY:{}",
        "authMechanismProperties={}",
        "tlsCertificateKeyFilePassword={}",
        "tls=true&tlsCertificateKeyFile=/no/such/file&tlsCertificateKeyFilePassword={}",
        "proxyHost=h&proxyPassword={}",
        "authMechanism={}&tlsCertificateKeyFilePassword={}",
    ],
)
def test_no_option_of_a_database_uri_comes_out(sandbox: Site, tmp_path: Path, options: str) -> None:
    uri = sandbox.environment.mongodb.uri.get_secret_value().partition("?")[0]
    content = json.loads(sandbox.run_file.read_text())
    content["mongodb"]["uri"] = f"{uri}?authSource=prisma&{options.replace('{}', quote(KNOWN, safe=''))}"
    (tmp_path / "run-file.json").write_text(json.dumps(content))
    run = Behave(tmp_path, "-D", f"sandbox_run_file={tmp_path / 'run-file.json'}", "--tags=@IN-01a")
    out, err = run.process.communicate(timeout=60)
    outputs = {str(path): path.read_bytes() for path in files(run.reports)}
    outputs |= {"stdout": out.encode(), "stderr": err.encode()}
    assert {place: found for place, content in outputs.items() if (found := secrets_in(content))} == {}
    assert "Traceback" not in err


def command(words: list[str], **variables: str) -> bytes:
    """Run a command and return its standard output and standard error."""
    done = warm.run("tests.focus_acceptance", *words, variables={**os.environ, **VARIABLES, **variables})
    assert "Traceback" not in done.stderr
    return (done.stdout + done.stderr).encode()


def files(folder: Path) -> Iterator[Path]:
    yield from (path for path in sorted(folder.rglob("*")) if path.is_file())


def test_every_report_is_for_its_owner(sandbox: Site, tmp_path: Path) -> None:
    run = WarmBehave(tmp_path, "-D", f"sandbox_run_file={sandbox.run_file}", "--tags=@PV-04a")
    modes = {str(path): path.stat().st_mode & 0o077 for path in (run.reports, *run.reports.rglob("*"))}
    assert len(modes) > 40
    assert [path for path, others in modes.items() if others] == []


def secrets_in(content: bytes) -> list[bytes]:
    """Each secret in the content, with the text around it."""
    return [
        text[max(0, match.start() - 60) : match.end() + 30]
        for text in texts(content)
        for form in hidden_forms()
        for match in re.finditer(re.escape(form), text)
    ]


def texts(content: bytes) -> Iterator[bytes]:
    """The content of a file, or of each file of an archive, at any depth."""
    if not zipfile.is_zipfile(io.BytesIO(content)):
        yield content
        return
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for name in archive.namelist():
            yield from texts(archive.read(name))


def count(content: bytes) -> int:
    """The number of hidden secrets."""
    return sum(text.count(b"***") for text in texts(content))


@pytest.mark.parametrize("text", written(KNOWN))
def test_the_search_finds_every_spelling(text: str) -> None:
    assert secrets_in(f"before {text} after".encode())


def test_the_search_looks_into_archives() -> None:
    inner, outer = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("a", f"x {MARK} y")
    with zipfile.ZipFile(outer, "w") as archive:
        archive.writestr("b", inner.getvalue())
    assert secrets_in(outer.getvalue())
