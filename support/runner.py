"""The runner that `python -m behave` uses: behave's own, made strict.

The exit code follows the verdict of the run record, so that a run is green only if something ran and nothing is wrong
with it: failing hooks, failing clean-ups, leftovers, an empty selection and an early end make it red; a known issue
does not.
"""

from __future__ import annotations

import contextlib
import functools
import io
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from behave.runner import Runner

from support import starting
from support.files import print_any_text
from support.hooks.asked import near_miss, refusal_of, select_requirements, selection_of, vanished
from support.hooks.order import RepeatError, repeat_of, shuffle
from support.hooks.sharding import Shard, shard_of
from support.hooks.side_by_side import SideBySide
from support.hooks.signals import end_with_the_one_who_waits, held, terminated_like_interrupted
from support.hooks.units import ParallelError, parallel_of, units_of
from support.redaction import PROCESS, output
from support.reporting.formatter import reports_directory, run_folder, write_reports
from support.reporting.record import context as reporting
from support.reporting.record.folder import new_folder
from support.reporting.record.model import Record, ScenarioResult, Trouble, grouped_reasons, now, write_record
from support.reporting.record.outcome import all_results, exception_text
from support.reporting.writers.junit import write_junit
from support.sharding.plan import PlanError

_SUITE_HOOKS = ("before_all", "after_all", "before_feature", "after_feature", "before_rule", "after_rule")
_SCENARIO_HOOKS = ("before_scenario", "after_scenario", "before_step", "after_step")
_TAG_HOOKS = ("before_tag", "after_tag")
_PUBLISH = ("all", "record")
_NOTHING_JUDGED = 2


class _Refused(Exception):
    """A run that would judge nothing; one sentence."""


class StrictRunner(Runner):  # type: ignore[misc]  # behave ships no types, so its Runner is Any to mypy
    """Behave's runner with a truthful result. An `exit_code` of a before_all exception ends the process."""

    def __init__(self, config: Any) -> None:
        print_any_text()
        output.guard()
        super().__init__(config)
        environment = config.userdata.get("env") or os.environ.get("FOCUS_ENV") or "sandbox"
        self.report = reporting.begin(environment)
        self._exit_code = 2
        self._hooks_called: set[str] = set()
        self._parallel: int | None = None
        self._shard: Shard | None = None
        # behave announces the class of its runner between here and run(), which tells a reader nothing.
        self._announcement = contextlib.redirect_stdout(io.StringIO())
        self._announcement.__enter__()

    # The run.

    def run(self) -> bool:
        """Run everything. True means red. Raises SystemExit for a configuration that cannot be used."""
        self._announcement.__exit__(None, None, None)
        self._refuse(refusal_of(self.config, os.environ))
        select_requirements(self.config)
        if self.config.dry_run:
            # It runs nothing, so it proves nothing: red if a step is undefined, and never green.
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
                behave_failed = bool(super().run())
                until_published.enter_context(held())  # still within the try: whoever ends the run now is heard
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
                raise SystemExit(self._exit_code)
            record = self.report.record
            red = record is None or record.verdict != "passed" or self._is_unexplained(behave_failed)
            problems = self._publish()
        for problem in problems:
            print(problem, file=sys.stderr)
        return red or bool(problems)

    def _refuse(self, sentence: str | None) -> None:
        """End before anything is touched, unless there is no reason to."""
        if sentence is not None:
            print(sentence, file=sys.stderr)
            raise SystemExit(_NOTHING_JUDGED)

    def run_model(self, features: Any = None) -> bool:
        """Run the parsed features; the record is made in the last clean-up of all, just before the formatters close."""
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
            selection, close = self._selection(), near_miss(self.config, self.features)
            raise _Refused(f"nothing ran: no scenario matches {selection}{close}")
        for sentence in vanished(self.features, self.report.selection):
            self.report.suite_error("features", sentence)
        everything = self.features if features is None else features
        if self._shard is not None:
            everything = self._own_share(self._shard)
        self.context.on_cleanup_error = self._note_cleanup_failure
        self.context.add_cleanup(self._finish)
        self.context.side_by_side = SideBySide(self, self._parallel)
        return bool(super().run_model(self.context.side_by_side.features(everything)))

    def _own_share(self, shard: Shard) -> list[Any]:
        """What of the selection this run has, where others have the rest."""
        try:
            self.report.selected = shard.part_of(self.report.selected, self.report.environment)
        except PlanError as error:
            raise _Refused(str(error)) from error
        self.report.shard = shard.as_json()
        self.report.selection = replace(self.report.selection, complete=False)
        return units_of(self.report.selected)

    def _put_in_order(self) -> None:
        """Shuffle what was read, if that was asked for."""
        repeat = self.report.repeat
        if repeat is not None and repeat.shuffle is not None:
            print(f"shuffled: -D shuffle={repeat.shuffle} gives the same order again", flush=True)
            self.features[:] = shuffle(self.features, repeat.shuffle)

    def load_hooks(self, filename: str | None = None) -> None:
        """Load environment.py and watch its hooks: behave itself forgets why one of them failed."""
        super().load_hooks(filename)
        for name in (*_SUITE_HOOKS, *_SCENARIO_HOOKS, *_TAG_HOOKS):
            if name in self.hooks:
                self.hooks[name] = self._watched(name, self.hooks[name])

    def abort(self, reason: str | None = None) -> None:
        """End the run early; called by behave for Ctrl-C and for a failing before_all."""
        if "KeyboardInterrupt" in (reason or ""):
            self.report.interrupted = "the run was interrupted"
            if self.context is not None:
                self.aborted = True  # what there is to say about it stands at the end of the run
            return
        super().abort(reason)

    # Troubles.

    def _watched(self, name: str, hook: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(hook)
        def watched(context: Any, *args: Any) -> Any:
            self._hooks_called.add(name)
            try:
                answer = hook(context, *args)
                if name == "before_all":
                    self._say_that_it_began()
                return answer
            except (KeyboardInterrupt, SystemExit) as end:
                if name != "before_all" or isinstance(end, SystemExit):
                    self._note(
                        name, context, end
                    )  # otherwise nothing is judged, which the record says of the whole run
                raise
            except Exception as error:  # noqa: BLE001  # behave would print it unredacted; noted here, it makes the run red
                self._note(name, context, error)
                self._mark_failed(name, context, args, error)
                return None

        return watched

    def _mark_failed(self, name: str, context: Any, args: tuple[Any, ...], error: Exception) -> None:
        """Do what behave does for a failed hook, so that it treats the scenario, rule or feature as it always would."""
        self.hook_failures += 1
        if name == "before_all":
            self.aborted = True
            exit_code = getattr(error, "exit_code", None)
            if isinstance(exit_code, int):
                self._exit_code, self.report.refusal = exit_code, self.report.redact(str(error))
        elif name in _TAG_HOOKS:
            found = (getattr(context, kind, None) for kind in ("scenario", "rule", "feature"))
            next(element for element in found if element is not None).hook_failed = True
        elif name != "after_all":
            args[0].hook_failed = True

    def _note(self, name: str, context: Any, error: BaseException) -> None:
        scenario = None if name in _SUITE_HOOKS else getattr(context, "scenario", None)
        self._note_trouble(scenario, name, error)

    def _note_cleanup_failure(self, context: Any, cleanup: Callable[..., Any], error: BaseException) -> None:
        name = getattr(cleanup, "__name__", "")
        # behave wraps a clean-up that has arguments in a function of this name, and its own name is lost.
        where = "clean-up" if name in ("", "internal_cleanup_func") else f"clean-up {name}"
        self._note_trouble(getattr(context, "scenario", None), where, error)

    def _note_trouble(self, scenario: Any, where: str, error: BaseException) -> None:
        text = str(error) if hasattr(error, "exit_code") else exception_text(error)
        troubles = [Trouble(where, self.report.redact(part)) for part in getattr(error, "parts", [text])]
        if scenario is None:
            self.report.suite_errors += troubles
        else:
            self.report.scenario_troubles.setdefault(id(scenario), []).extend(troubles)

    def _say_that_it_began(self) -> None:
        """A run that dies must not leave the verdict of the one before it in its place."""
        reports = reports_directory(self.config)
        began = f"the run that began at {self.report.started:%Y-%m-%d %H:%M:%S} UTC has not ended, or was killed"
        record = self._record([], [Trouble("run", began)])
        write_record(record, reports)
        write_junit(record, reports)

    # The end.

    def _finish(self) -> None:
        """Make the record. Everything that can still go wrong has gone wrong by now."""
        if self.aborted and not self.report.suite_errors and not self.report.interrupted:
            self.report.interrupted = "the run was aborted"
        if self.report.interrupted:
            self.report.suite_errors.append(Trouble("run", f"{self.report.interrupted} before it was complete"))
        if self.context is not None:
            self.aborted = False  # otherwise behave says "ABORTED: By user" besides
        results = all_results(self.report)
        sentence = None if self.report.suite_errors else self._nothing_ran(results)
        if sentence:
            self.report.suite_errors.append(Trouble("run", sentence))
        self.report.record = self._record(results, self.report.suite_errors)

    def _record(self, results: list[ScenarioResult], suite_errors: list[Trouble]) -> Record:
        report = self.report
        return Record(
            environment=report.environment,
            started=report.started,
            finished=now(),
            duration_s=round(time.monotonic() - report.started_s, 3),
            scenarios=results,
            suite_errors=suite_errors,
            leftovers=PROCESS.redact_values(report.leftovers),
            fingerprint=PROCESS.redact_values(report.fingerprint),
            interrupted=report.interrupted,
            repeat=report.repeat,
            figures=report.figures,
            requests=report.requests,
            selection=report.selection,
            shard=report.shard,
            remarks=report.remarks,
            looser_limits=report.looser_limits,
        )

    def _nothing_ran(self, results: list[Any]) -> str | None:
        if any(result.ran for result in results):
            return None
        reasons = "; ".join(f"{reason} ({len(ids)})" for reason, ids in grouped_reasons(results).items())
        return f"nothing ran: every selected scenario was skipped: {reasons}"

    def _selection(self) -> str:
        tags = self.config.tags
        text = tags if isinstance(tags, str) else " and ".join(tags or [])
        parts = [f"--tags={text}"] if text else []
        parts += [f"--name={name}" for name in self.config.name or []]
        patterns = {"include": self.config.include_re, "exclude": self.config.exclude_re}
        parts += [f"--{option}={pattern.pattern}" for option, pattern in patterns.items() if pattern is not None]
        paths = [os.path.relpath(str(path)) for path in self.config.paths]
        return " ".join(parts + ["in", ", ".join(paths)] if parts else [", ".join(paths)])

    def _ended_early(self, end: BaseException) -> None:
        """An interruption, or sys.exit in a step, reached us through behave: clean up and close what it left open."""
        self.stop_capture()  # a step that behave did not see end has left its capture on
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
        # Each failure is noted by on_cleanup_error; behave need not raise the first of them as well.
        self.context.fail_on_cleanup_errors = False
        if "after_all" not in self._hooks_called:
            self.run_hook("after_all")
        self.context._do_remaining_cleanups()

    def _could_not_start(self, error: Exception) -> None:
        """Features, steps or hooks could not be loaded: no formatter exists yet, so the record is written from here."""
        if self.report.record is None:
            self.report.suite_error("start", exception_text(error))
            self._finish()
            self._write_reports()
            self._publish()  # what cannot be loaded cannot be published either; that is said once, as the error

    def _publish(self) -> list[str]:
        """Make every other report of the record; the troubles of that, one sentence each."""
        record = self.report.record
        if record is None or self.report.refusal is not None:
            return []
        # Loaded here only, because the runs of the fault matrix publish little and are many.
        from support.reporting.publish import publish_run

        every = self.config.userdata.get("publish", "all") == "all"
        features = Path(self.base_dir or ".") / "features"
        published = publish_run(record, run_folder(self.config), reports_directory(self.config), features, every)
        return [f"report {one.name}: {one.problem}" for one in published if one.problem]

    def _is_unexplained(self, behave_failed: bool) -> bool:
        """Whether behave saw a failure that the record does not show. Must never happen; if it does the run is red."""
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


def _guard_formatter(opener: Any) -> None:
    """What a formatter of behave writes, to the console or to a file that is made at its first use, shows no secret."""
    if opener.stream is not None:
        opener.stream = output.redacted(opener.stream)
        return
    plain = opener.open

    def opened() -> Any:
        opener.stream = output.redacted(plain())
        return opener.stream

    opener.open = opened
