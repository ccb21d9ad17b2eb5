"""Runner that `python -m behave` uses: behave's own, made strict.

The exit code follows the verdict of the run record: a run is green only if something ran and nothing is wrong with it.
Failing hooks, failing clean-ups, leftovers, an empty selection and an early end make it red; a known issue does not.
"""

from __future__ import annotations

import contextlib
import gc
import io
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from behave.runner import Runner

from support import starting
from support.clients.sandbox.embedded import EmbeddedSandbox
from support.files import print_any_text
from support.hooks import own_sandbox
from support.hooks.asked import near_miss, refusal_of, select_requirements, selection_of, selection_text, vanished
from support.hooks.failures import HookFailures
from support.hooks.options import environment_name, publishes_all
from support.hooks.order import RepeatError, repeat_of, shuffle
from support.hooks.sharding import Shard, shard_of
from support.hooks.signals import end_with_the_one_who_waits, held, terminated_like_interrupted
from support.hooks.units import ParallelError, parallel_of, units_of
from support.redaction import output
from support.reporting.formatter import reports_directory, run_folder, write_reports
from support.reporting.record import context as reporting
from support.reporting.record.folder import new_folder
from support.reporting.record.making import nothing_ran, record_of
from support.reporting.record.model import Trouble, write_record
from support.reporting.record.outcome import all_results, exception_text
from support.reporting.writers.junit import write_junit
from support.sharding.plan import PlanError

_PUBLISH = ("all", "record")
_NOTHING_JUDGED = 2
_NEW_OBJECTS = 20_000
"""New objects after which Python searches them for garbage; its default is 700."""


class _Refused(Exception):
    """The run would judge nothing. The message is one sentence."""


class StrictRunner(Runner):  # type: ignore[misc]  # behave ships no types, so its Runner is Any to mypy
    """Behave's runner with a truthful result. The `exit_code` of a before_all exception ends the process."""

    def __init__(self, config: Any) -> None:
        print_any_text()
        output.guard()
        super().__init__(config)
        self._environment = environment_name(config.userdata, os.environ)
        self.report = reporting.begin(self._environment)
        self._failures = HookFailures(self, self.report, self._say_that_it_began)
        self._parallel: int | None = None
        self._shard: Shard | None = None
        self._sandbox: EmbeddedSandbox | None = None
        # behave prints the class of its runner between here and run(), which is of no use to a reader.
        self._announcement = contextlib.redirect_stdout(io.StringIO())
        self._announcement.__enter__()

    # The run.

    def run(self) -> bool:
        """Run everything. Returns True if the run is red. Raises SystemExit for a configuration that cannot be used."""
        self._announcement.__exit__(None, None, None)
        self._refuse(refusal_of(self.config, os.environ))
        select_requirements(self.config)
        if self.config.dry_run:
            # A dry run executes nothing, so it proves nothing: red if a step is undefined, and never green.
            raise SystemExit(1 if super().run() else _NOTHING_JUDGED)
        try:
            self.report.repeat = repeat_of(self.config.userdata)
            self._parallel = parallel_of(self.config.userdata)
            self._shard = shard_of(self.config.userdata)
        except (RepeatError, ParallelError, PlanError) as error:
            self._refuse(str(error))
        if (wanted := self.config.userdata.get("publish", "all")) not in _PUBLISH:
            self._refuse(f"-D publish={wanted}: allowed are {', '.join(_PUBLISH)}")
        self.report.selection = selection_of(self.config)
        self.report.folder = new_folder(reports_directory(self.config))
        for opener in self.config.outputs:
            _guard_formatter(opener)
        end_with_the_one_who_waits()
        starting.begun()
        with terminated_like_interrupted(), contextlib.ExitStack() as until_published:
            behave_failed = False
            try:
                self._begin_sandbox(until_published)
                behave_failed = bool(super().run())
                until_published.enter_context(held())  # inside the try, so that an interruption is handled
            except _Refused as refused:
                self._refuse(str(refused))
            except (KeyboardInterrupt, SystemExit) as end:
                self._ended_early(end)
            except Exception as error:
                self._could_not_start(error)
                raise
            until_published.enter_context(held())
            if self.report.refusal is not None:
                print(self.report.refusal, file=sys.stderr)
                raise SystemExit(self._failures.exit_code)
            record = self.report.record
            red = record is None or record.verdict != "passed" or self._is_unexplained(behave_failed)
            problems = self._publish()
        for problem in problems:
            print(problem, file=sys.stderr)
        return red or bool(problems)

    def _begin_sandbox(self, until_published: contextlib.ExitStack) -> None:
        """Start the run's own sandbox while features and steps are loaded. It shuts down while the reports are made."""
        self._sandbox = own_sandbox.begun(self._environment, self.config.userdata)
        if self._sandbox is not None:
            until_published.callback(self._sandbox.stop)

    def _refuse(self, sentence: str | None) -> None:
        """End the process before anything is touched, if there is a reason to."""
        if sentence is not None:
            print(sentence, file=sys.stderr)
            raise SystemExit(_NOTHING_JUDGED)

    def run_model(self, features: Any = None) -> bool:
        """Run the parsed features. The record is made in the very last clean-up, just before the formatters close."""
        # Imported only here, while the sandbox starts, because it also imports what talks to the cluster.
        from support.hooks.side_by_side import SideBySide

        if self.config.dry_run:
            return bool(super().run_model(features))
        self._put_in_order()
        self.report.selected = [
            scenario
            for feature in (self.features if features is None else features)
            for scenario in feature.walk_scenarios()
            if scenario.should_run(self.config)
        ]
        if not self.report.selected:
            selection, close = selection_text(self.config), near_miss(self.config, self.features)
            raise _Refused(f"nothing ran: no scenario matches {selection}{close}")
        for sentence in vanished(self.features, self.report.selection):
            self.report.suite_error("features", sentence)
        _collect_garbage_rarely()
        everything = self.features if features is None else features
        if self._shard is not None:
            everything = self._own_share(self._shard)
        self.context.on_cleanup_error = self._failures.note_cleanup
        self.context.add_cleanup(self._finish)
        self.context.sandbox = self._sandbox
        self.context.side_by_side = SideBySide(self, self._parallel)
        return bool(super().run_model(self.context.side_by_side.features(everything)))

    def _own_share(self, shard: Shard) -> list[Any]:
        """Return the share of the selection that this shard runs; other shards run the rest."""
        try:
            self.report.selected = shard.part_of(self.report.selected, self.report.environment)
        except PlanError as error:
            raise _Refused(str(error)) from error
        self.report.shard = shard.as_json()
        self.report.selection = replace(self.report.selection, complete=False)
        return units_of(self.report.selected)

    def _put_in_order(self) -> None:
        """Shuffle the features if that was requested."""
        repeat = self.report.repeat
        if repeat is not None and repeat.shuffle is not None:
            print(f"shuffled: -D shuffle={repeat.shuffle} gives the same order again", flush=True)
            self.features[:] = shuffle(self.features, repeat.shuffle)

    def load_hooks(self, filename: str | None = None) -> None:
        """Load environment.py and watch its hooks."""
        super().load_hooks(filename)
        self._failures.watch(self.hooks)

    def abort(self, reason: str | None = None) -> None:
        """End the run early; called by behave for Ctrl-C and for a failing before_all."""
        if "KeyboardInterrupt" in (reason or ""):
            self.report.interrupted = "the run was interrupted"
            if self.context is not None:
                self.aborted = True  # the interruption is reported at the end of the run
            return
        super().abort(reason)

    def _say_that_it_began(self) -> None:
        """Write a record of an unfinished run: a run that dies must not leave the verdict of the previous one."""
        reports = reports_directory(self.config)
        began = f"the run that began at {self.report.started:%Y-%m-%d %H:%M:%S} UTC has not ended, or was killed"
        record = record_of(self.report, [], [Trouble("run", began)])
        write_record(record, reports)
        write_junit(record, reports)

    # The end.

    def _finish(self) -> None:
        """Make the record. Everything that can still fail has run by now."""
        if self.aborted and not self.report.suite_errors and not self.report.interrupted:
            self.report.interrupted = "the run was aborted"
        if self.report.interrupted:
            self.report.suite_errors.append(Trouble("run", f"{self.report.interrupted} before it was complete"))
        if self.context is not None:
            self.aborted = False  # otherwise behave also prints "ABORTED: By user"
        results = all_results(self.report)
        sentence = None if self.report.suite_errors else nothing_ran(results)
        if sentence:
            self.report.suite_errors.append(Trouble("run", sentence))
        self.report.record = record_of(self.report, results, self.report.suite_errors)

    def _ended_early(self, end: BaseException) -> None:
        """Clean up and close what behave left open after an interruption, or after sys.exit in a step."""
        self.stop_capture()  # a step that was cut off has left its capture on
        interrupted = isinstance(end, KeyboardInterrupt)
        said = "interrupted" if interrupted else f"ended by sys.exit({getattr(end, 'code', None)!r}) in a step"
        self.report.interrupted = f"the run was {said}"
        if self.report.record is None and self.context is not None:
            with contextlib.suppress(KeyboardInterrupt):
                self._clean_up_what_is_left()
        with held():
            if self.report.record is None:
                self._finish()
            for formatter in self.formatters:
                formatter.close()
            if not self.formatters:
                self._write_reports()
                print(f"INTERRUPTED: {self.report.interrupted} before anything was judged.")

    def _clean_up_what_is_left(self) -> None:
        # on_cleanup_error records each failure, so behave need not raise the first of them as well.
        self.context.fail_on_cleanup_errors = False
        if "after_all" not in self._failures.called:
            self.run_hook("after_all")
        self.context._do_remaining_cleanups()

    def _could_not_start(self, error: Exception) -> None:
        """Write the record if features, steps or hooks could not be loaded, because no formatter exists yet."""
        if self.report.record is None:
            self.report.suite_error("start", exception_text(error))
            self._finish()
            self._write_reports()
            self._publish()  # what cannot be loaded cannot be published either; the error already reports it

    def _publish(self) -> list[str]:
        """Make all other reports of the record. Returns their problems, one sentence each."""
        record = self.report.record
        if record is None or self.report.refusal is not None:
            return []
        # Imported only here, because the runs of the fault matrix are many and publish little.
        from support.reporting.publish import publish_run

        every = publishes_all(self.config.userdata)
        features = Path(self.base_dir or ".") / "features"
        published = publish_run(record, run_folder(self.config), reports_directory(self.config), features, every)
        return [f"report {one.name}: {one.problem}" for one in published if one.problem]

    def _is_unexplained(self, behave_failed: bool) -> bool:
        """Whether behave saw a failure that the record does not show. This must never happen; the run is then red."""
        record = self.report.record
        if record is None or not behave_failed or record.verdict != "passed" or record.counts()["known_issue"]:
            return False
        self.report.suite_error("run", "behave reports a failure that the record does not explain")
        print(self.report.suite_errors[-1], file=sys.stderr)
        self._write_reports()
        return True

    def _write_reports(self) -> None:
        if self.report.record is not None:
            write_reports(self.config)


def _collect_garbage_rarely() -> None:
    """Never search what is loaded by now for garbage, and search the rest less often.

    A full search stopped all threads for 0.2 to 0.3 s, also those that measure, and found nothing. The searches were a
    sixth of the suite's own processor time in a load.
    """
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS)


def _guard_formatter(opener: Any) -> None:
    """Redact what a formatter of behave writes, to the console or to a file that is created at its first use."""
    if opener.stream is not None:
        opener.stream = output.redacted(opener.stream)
        return
    plain = opener.open

    def opened() -> Any:
        opener.stream = output.redacted(plain())
        return opener.stream

    opener.open = opened
