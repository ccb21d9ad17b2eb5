"""Where the project is, and how files are written: a reader sees the old or the new content, never half of it."""

from __future__ import annotations

import io
import os
import sys
import tempfile
from pathlib import Path

from support.redaction import PROCESS
from support.redaction.numbers import FORMS

PROJECT = Path(__file__).resolve().parent.parent


def print_any_text() -> None:
    """Let standard output and error take every letter: one that the code page of a Windows console does not have is
    shown by its number instead of ending the run."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def write_atomically(path: Path, text: str) -> None:
    """Replace a file in one move; its folder is made if it is not there. Raises OSError and leaves the old file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as stream:
            # Its form (JSON, XML) must stay, so that only what is known to be secret is taken out here.
            stream.write(PROCESS.known(text, form=FORMS.get(path.suffix)))
        # mkstemp creates the file for its owner only, and so it stays: a report tells what a site is made of.
        temporary.replace(path)
    except BaseException:
        temporary.unlink()
        raise
