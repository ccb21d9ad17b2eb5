"""The behave formatter `console`: a line for each scenario, its failure directly below, and a verdict at the end.

A scenario's line is printed when the next one starts: behave runs hooks and clean-ups after the last step, and they may
still change its status. On a terminal, the last line shows the running scenario, its number and the total. In a log,
the heading of each area shows the progress of the run.
"""

from __future__ import annotations

import _thread
import os
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

from behave.formatter.base import Formatter

from support.reporting.causes import cause_of
from support.reporting.record.context import current
from support.reporting.record.identity import identify
from support.reporting.record.outcome import scenario_result
from support.reporting.text import Painter, safe, scenario_lines, summary_lines

# Return to the first column and clear the line.
_CLEAR = "\r\x1b[K"


def wants_colour(terminal: bool, environment: Mapping[str, str]) -> bool:
    """Whether to use colour. FORCE_COLOR, then NO_COLOR decide for any stream; otherwise a capable terminal has it.
    See force-color.org and no-color.org: a variable counts as set if it is not empty."""
    if environment.get("FORCE_COLOR"):
        return True
    return terminal and not environment.get("NO_COLOR") and environment.get("TERM") != "dumb"


class Console(Formatter):  # type: ignore[misc]  # behave ships no types, so its Formatter is Any to mypy
    """The formatter. It shows live progress only on a terminal, and colour according to NO_COLOR and FORCE_COLOR."""

    name = "console"
    description = "One line per scenario, failures below their line, a summary by requirement"

    def __init__(self, stream_opener: Any, config: Any) -> None:
        super().__init__(stream_opener, config)
        self.stream = self.open()
        terminal = bool(getattr(self.stream, "isatty", lambda: False)())
        self._painter = Painter(
            wants_colour(terminal, os.environ), shutil.get_terminal_size().columns if terminal else None
        )
        self._moves = terminal and os.environ.get("TERM") != "dumb"
        self._done = 0
        self._reports = config.userdata.get("reports", "reports")
        self._dry_run = bool(config.dry_run)
        self._selected: set[int] | None = None
        self._printed: set[int] = set()
        self._feature: Any = None
        self._waiting: Any = None
        self._area: str | None = None
        self._headed: Any = None
        self._undefined: list[Any] = []
        self._causes: dict[tuple[str, str], str] = {}

    # Called by behave.

    def feature(self, feature: Any) -> None:
        self._feature = feature

    def rule(self, rule: Any) -> None:
        self._print_waiting()

    def scenario(self, scenario: Any) -> None:
        self._print_waiting()
        self._waiting = None if current().side_by_side else scenario
        self._show_running(scenario)

    def show_together(self, scenarios: Sequence[Any]) -> None:
        """Print the scenarios of one feature that ran side by side, after the last one has ended."""
        for scenario in scenarios:
            self._print_scenario(scenario)

    def eof(self) -> None:
        self._print_waiting()
        if current().side_by_side:
            return
        if self._feature is not None and not self._dry_run:
            for scenario in self._feature.walk_scenarios():
                self._print_scenario(scenario)
        self._feature = None

    def close(self) -> None:
        self._print_waiting()
        if self._dry_run:
            self._print_dry_run()
        elif current().record is not None and current().refusal is None:
            self._print_summary()
        super().close()

    # Output.

    def _print_waiting(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            self._print_scenario(waiting)

    def _print_scenario(self, scenario: Any) -> None:
        if not self._is_due(scenario):
            return
        self._printed.add(id(scenario))
        self._print_headings(scenario.feature)
        if self._dry_run:
            self._write(f"  {safe(scenario.name)}")
            self._undefined += [step for step in scenario.all_steps if "undefined" in step.status.name]
            return
        self._done += 1
        result = scenario_result(scenario, current())
        same_as = self._causes.setdefault(cause_of(result), result.id) if result.is_bad else ""
        for line in scenario_lines(result, self._painter, "" if same_as == result.id else same_as):
            self._write(line)

    def _show_running(self, scenario: Any) -> None:
        """Show the running scenario on a line that the next output replaces."""
        if not self._moves or self._dry_run or not self._is_due(scenario):
            return
        place = f"{self._done + 1} of {len(current().selected)}"
        line = f"  {place}  {safe(identify(scenario).id)}  {safe(scenario.name)}"
        self._put(f"{_CLEAR}{line[: (self._painter.width or 80) - 1]}")

    def _is_due(self, scenario: Any) -> bool:
        if id(scenario) in self._printed:
            return False
        if self._dry_run:
            return bool(scenario.should_run(self.config))
        if self._selected is None:
            self._selected = {id(selected) for selected in current().selected}
        return id(scenario) in self._selected

    def _print_headings(self, feature: Any) -> None:
        """Print the headings of the area and the feature, once each, before their first printed scenario."""
        area = PurePath(str(feature.filename)).parent.name.replace("_", " ").capitalize()
        if area != self._area:
            self._area = area
            self._write("")
            self._write(self._painter.paint("heading", safe(area)) + self._progress())
        if feature is not self._headed:
            self._headed = feature
            self._write(f" {safe(feature.name)}")

    def _progress(self) -> str:
        if self._dry_run or not self._done:
            return ""
        elapsed_s = time.monotonic() - current().started_s
        return self._painter.paint("faint", f"  ({self._done} of {len(current().selected)} done, {elapsed_s:.0f} s)")

    def _print_summary(self) -> None:
        record = current().record
        assert record is not None
        self._write("")
        for number, line in enumerate(summary_lines(record, self._painter, self._reports)):
            self._write(self._painter.paint(record.verdict, line) if number == 0 else line)

    def _print_dry_run(self) -> None:
        self._write("")
        for step in {str(step.location): step for step in self._undefined}.values():
            self._write(f"undefined: {safe(f'{step.keyword} {step.name}')}  ({step.location})")
        self._write(f"Dry run: nothing was executed, {len(self._undefined)} steps are undefined.")

    def _write(self, line: str) -> None:
        self._put(f"{_CLEAR if self._moves else ''}{line}\n")

    def _put(self, text: str) -> None:
        encoding = getattr(self.stream, "encoding", None) or "utf-8"
        # An accented letter must not end a run whose log is in a C locale.
        shown = text.encode(encoding, "backslashreplace").decode(encoding)
        try:
            self.stream.write(shown)
            self.stream.flush()
        except BrokenPipeError:
            self._reader_is_gone()

    def _reader_is_gone(self) -> None:
        """End the run because its reader has gone: like Ctrl-C, with clean-up and record, but without more output."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
        print("interrupted: the reader of the output has gone", file=sys.stderr)
        _thread.interrupt_main()  # any thread may write, but only the main thread can end the run
