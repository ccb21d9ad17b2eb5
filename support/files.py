"""Location of the project, and writing of files: a reader sees the old or the new content, never half of it."""

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
    """Let standard output and error accept all characters: one that the code page of a Windows console lacks is shown
    by its number instead of ending the run."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def write_atomically(path: Path, text: str) -> None:
    """Replace a file in one move, and create its folder if needed. Raises OSError and leaves the old file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as stream:
            # The text must keep its format (JSON, XML), so only known secrets are removed here.
            stream.write(PROCESS.known(text, form=FORMS.get(path.suffix)))
        # mkstemp makes the file readable by its owner only. It stays so: a report reveals the parts of a site.
        temporary.replace(path)
    except BaseException:
        temporary.unlink()
        raise
