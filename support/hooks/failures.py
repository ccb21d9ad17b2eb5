"""Records failing hooks and clean-ups of behave with their reasons, which behave itself does not keep."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from support.reporting.record.context import RunContext
from support.reporting.record.model import Trouble
from support.reporting.record.outcome import exception_text

_SUITE_HOOKS = ("before_all", "after_all", "before_feature", "after_feature", "before_rule", "after_rule")
_SCENARIO_HOOKS = ("before_scenario", "after_scenario", "before_step", "after_step")
_TAG_HOOKS = ("before_tag", "after_tag")


class HookFailures:
    """The failures of one run. Each makes the run red. ``began`` is called when before_all has succeeded."""

    def __init__(self, runner: Any, report: RunContext, began: Callable[[], None]) -> None:
        self._runner, self._report, self._began = runner, report, began
        self.exit_code = 2
        """The exit code of a run that before_all has refused."""
        self.called: set[str] = set()
        """The names of the hooks that were called."""

    def watch(self, hooks: dict[str, Callable[..., Any]]) -> None:
        """Replace all hooks by ones that record their calls and failures."""
        for name in (*_SUITE_HOOKS, *_SCENARIO_HOOKS, *_TAG_HOOKS):
            if name in hooks:
                hooks[name] = self._watched(name, hooks[name])

    def _watched(self, name: str, hook: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(hook)
        def watched(context: Any, *args: Any) -> Any:
            self.called.add(name)
            try:
                answer = hook(context, *args)
                if name == "before_all":
                    self._began()
                return answer
            except (KeyboardInterrupt, SystemExit) as end:
                # After Ctrl-C in before_all nothing is judged, which the record says of the whole run.
                if name != "before_all" or isinstance(end, SystemExit):
                    self._note(name, context, end)
                raise
            except Exception as error:  # noqa: BLE001  # behave would print it unredacted; noted here, it makes the run red
                self._note(name, context, error)
                self._mark_failed(name, context, args, error)
                return None

        return watched

    def _mark_failed(self, name: str, context: Any, args: tuple[Any, ...], error: Exception) -> None:
        """Do what behave does for a failed hook, so that it treats the scenario, rule or feature as it always would."""
        self._runner.hook_failures += 1
        if name == "before_all":
            self._runner.aborted = True
            exit_code = getattr(error, "exit_code", None)
            if isinstance(exit_code, int):
                self.exit_code, self._report.refusal = exit_code, self._report.redact(str(error))
        elif name in _TAG_HOOKS:
            found = (getattr(context, kind, None) for kind in ("scenario", "rule", "feature"))
            next(element for element in found if element is not None).hook_failed = True
        elif name != "after_all":
            args[0].hook_failed = True

    def _note(self, name: str, context: Any, error: BaseException) -> None:
        scenario = None if name in _SUITE_HOOKS else getattr(context, "scenario", None)
        self._note_trouble(scenario, name, error)

    def note_cleanup(self, context: Any, cleanup: Callable[..., Any], error: BaseException) -> None:
        """Record a failed clean-up. Called by behave."""
        name = getattr(cleanup, "__name__", "")
        # behave wraps a clean-up that has arguments in a function of this name, and its own name is lost.
        where = "clean-up" if name in ("", "internal_cleanup_func") else f"clean-up {name}"
        self._note_trouble(getattr(context, "scenario", None), where, error)

    def _note_trouble(self, scenario: Any, where: str, error: BaseException) -> None:
        text = str(error) if hasattr(error, "exit_code") else exception_text(error)
        troubles = [Trouble(where, self._report.redact(part)) for part in getattr(error, "parts", [text])]
        if scenario is None:
            self._report.suite_errors += troubles
        else:
            self._report.scenario_troubles.setdefault(id(scenario), []).extend(troubles)
