"""Output of a process contains no secrets, and files it writes are readable by their owner only."""

from __future__ import annotations

import base64
import io
import json
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pytest

from support.redaction import PROCESS
from support.redaction.output import RedactedStream, print_json

ROOT = Path(__file__).resolve().parents[3]
SECRET = "p'lan\"ted-5ecret:@/ of a test"

PRINTS = """
import atexit, logging, os, pathlib, subprocess, sys, threading, warnings
from support.redaction import PROCESS, output
output.guard()
SECRET = os.environ["SECRET_OF_A_TEST"]
"""


def printed(program: str, *, code: int = 0) -> str:
    """The standard output and standard error of a process that runs ``program``."""
    done = subprocess.run(
        [sys.executable, "-c", PRINTS + program],
        cwd=ROOT,
        env={
            "PATH": "",
            "SECRET_OF_A_TEST": SECRET,
            "MY_PASSWORD": SECRET,
            "PWD": "/a/folder",
            "PROXY": "http://me:pr0xy-w0rd@127.0.0.1:9",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == code, done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    "program",
    [
        "print('got', SECRET)",
        "print('got', SECRET, file=sys.stderr)",
        "sys.stdout.writelines(['got ', SECRET])",
        "for letter in 'got ' + SECRET: sys.stdout.write(letter)",
        "print('got', SECRET, end='', flush=True)",
        "logging.error('got %s', SECRET)",
        "logging.basicConfig(level='DEBUG'); logging.debug('got %s', SECRET)",
        "warnings.warn('got ' + SECRET)",
        "atexit.register(print, 'got', SECRET)",
        "threading.Thread(target=lambda: print('got', SECRET)).start()",
        "print('got', dict(os.environ))",
        "print('got', os.environ['PROXY'])",
    ],
)
def test_no_way_of_printing_shows_a_secret(program: str) -> None:
    shown = printed(program)
    assert "got" in shown and "***" in shown
    assert_hidden(shown)


@pytest.mark.parametrize(
    ("program", "code"),
    [
        ("raise ValueError('got ' + SECRET)", 1),
        ("try: {}[SECRET]\nexcept KeyError as e: raise ValueError('got') from e", 1),
        ("sys.exit('got ' + SECRET)", 1),
        ("def run(): raise ValueError('got ' + SECRET)\nthreading.Thread(target=run).start()", 0),
        ("class Got:\n  def __del__(self): raise ValueError(SECRET)\nGot()", 0),
        ("raise ValueError('got\\n- name: DB_PASSWORD\\n  value: hunter2-and-more')", 1),
    ],
)
def test_no_traceback_shows_a_secret(program: str, code: int) -> None:
    shown = printed(program, code=code)
    assert "***" in shown and "got" in shown.lower()
    assert_hidden(shown)
    assert "hunter2" not in shown


def assert_hidden(shown: str) -> None:
    assert "pr0xy-w0rd" not in shown
    for spelling in (SECRET, repr(SECRET)[1:-1], json.dumps(SECRET)[1:-1], quote(SECRET, safe="")):
        assert spelling not in shown
    assert base64.b64encode(SECRET.encode()).decode()[:-4] not in shown


def test_what_a_process_writes_is_for_its_owner(tmp_path: Path) -> None:
    printed(f"here = pathlib.Path({str(tmp_path)!r}) / 'new'; here.mkdir(); (here / 'file').write_text('x')")
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "new" / "file").stat().st_mode & 0o777 == 0o600


def test_what_is_no_secret_is_passed_on_as_it_is_and_in_time() -> None:
    below = io.StringIO()
    stream = RedactedStream(below)
    assert stream.write("one\ntwo") == 7
    assert below.getvalue() == "one\n"
    stream.flush()
    assert below.getvalue() == "one\ntwo"
    stream.write("\n")
    stream.close()
    assert below.closed
    assert not RedactedStream(io.StringIO()).isatty()


def test_bytes_find_no_way_around_it() -> None:
    stream = RedactedStream(io.TextIOWrapper(io.BytesIO()))
    assert not hasattr(stream, "buffer") and not hasattr(stream, "detach")
    with pytest.raises(TypeError):
        stream.write(b"x")  # type: ignore[arg-type]


def test_a_secret_in_pieces_is_recognised_as_a_whole() -> None:
    PROCESS.hide("in-many-p1eces")
    below = io.StringIO()
    stream = RedactedStream(below)
    for piece in ("it is in-", "many-", "p1eces.\n"):
        stream.write(piece)
    assert below.getvalue() == "it is ***.\n"


def test_printed_json_stays_json_where_a_password_is_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    PROCESS.hide("88123477")
    below = io.StringIO()
    monkeypatch.setattr(sys, "stdout", RedactedStream(below))
    print("before", end="")
    print_json({"n": 88123477, "share": 0.88123477, "text": "it is 88123477", "password": "other"})
    assert below.getvalue().startswith("before{")
    assert json.loads(below.getvalue().removeprefix("before")) == {
        "n": 88123477, "share": 0.88123477, "text": "it is ***", "password": "***"
    }  # fmt: skip


def test_values_under_the_name_of_a_secret_are_hidden() -> None:
    given = {
        "name": "DB_PASSWORD",
        "value": "hunter2",
        "env": [{"name": "LEVEL", "value": "debug"}, {"name": "API_KEY", "value": "hunter2"}],
        "token": "hunter2",
        "tokens": 5,
        "secret": None,
        "text": ["password=hunter2", 1, True],
    }
    assert PROCESS.redact_values(given) == {
        "name": "DB_PASSWORD",
        "value": "***",
        "env": [{"name": "LEVEL", "value": "debug"}, {"name": "API_KEY", "value": "***"}],
        "token": "***",
        "tokens": 5,
        "secret": None,
        "text": ["password=***", 1, True],
    }


def test_each_line_of_a_key_is_known() -> None:
    PROCESS.hide("-----BEGIN THING-----\nfirst-line-of-1t\nsecond-line-of-1t\n-----END THING-----\n")
    assert PROCESS.redact("a second-line-of-1t b\n-----BEGIN THING-----") == "a *** b\n-----BEGIN THING-----"


@pytest.mark.parametrize(
    "lines",
    [
        ["- name: DB_PASSWORD\n", "  value: hunter2\n"],
        ["-----BEGIN RSA PRIVATE KEY-----\n", "hunter2\n", "hunter2\n", "-----END RSA PRIVATE KEY-----\n"],
    ],
)
def test_lines_that_tell_together_of_a_secret_stay_together(lines: list[str]) -> None:
    below = io.StringIO()
    stream = RedactedStream(below)
    for line in ("before\n", *lines, "after\n"):
        stream.write(line)
    assert below.getvalue().startswith("before\n") and below.getvalue().endswith("after\n")
    assert "***" in below.getvalue() and "hunter2" not in below.getvalue()


def test_the_folder_of_a_process_is_no_secret() -> None:
    assert printed("print('in /a/folder')") == "in /a/folder\n"
