"""Progress output: few lines in a log, a bar on a terminal."""

from __future__ import annotations

import io

from support.reporting.progress import Reporter


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_short_run_writes_no_line() -> None:
    stream = io.StringIO()
    with Reporter("load", 2, stream) as reporter:
        reporter.opened()
        reporter.failed()
    assert stream.getvalue() == ""


def test_lines_tell_open_failed_elapsed_and_estimate() -> None:
    stream = io.StringIO()
    with Reporter("load", 4, stream, line_every_s=0.0) as reporter:
        reporter.opened()
        reporter.failed()
    first, second, last = stream.getvalue().splitlines()
    assert first == "load: 1 open, 0 failed, of 4, 0 s, about 0 s left"
    assert second == "load: 1 open, 1 failed, of 4, 0 s, about 0 s left"
    assert last == "load: 1 open, 1 failed, of 4, 0 s, ended"


def test_a_terminal_gets_a_bar_that_disappears() -> None:
    stream = Terminal()
    with Reporter("load", 4, stream) as reporter:
        reporter.opened()
        reporter.failed()
    assert "load" in stream.getvalue()
    assert "1 failed" in stream.getvalue()
    assert "\n" not in stream.getvalue().rstrip("\n").split("\x1b")[-1]


def test_no_terminal_at_all_is_fine() -> None:
    with Reporter("load", 1, None) as reporter:
        reporter.opened()
