"""The loading of the settings file before the server serves."""

from __future__ import annotations

import ast
import logging
from collections.abc import Callable, Mapping

from environments.sandbox.focus_server.hooks import hook

SETTINGS_KEY = "default_config.py"
SETTINGS_CLASS = "Focus"


class Startup:
    """Loads the settings, and logs either success or the defect of the settings.

    ``scaled`` turns seconds of the real system into those of the sandbox.
    """

    def __init__(self, log: logging.Logger, scaled: Callable[[float], float]) -> None:
        self.log, self.scaled = log, scaled

    @hook("settings.load")
    async def load(self, data: Mapping[str, str]) -> str | None:
        """Return the defect of the settings in the data of the ConfigMap in one sentence, or None."""
        text = data.get(SETTINGS_KEY)
        if text is None:
            self.log.info("no %s is configured; working with the built-in settings", SETTINGS_KEY)
            return None
        wrong = defect_of(text)
        if wrong is None:
            self.log.info("loaded configuration %s", SETTINGS_KEY)
            return None
        problem = f"cannot load configuration {SETTINGS_KEY}: {wrong}"
        self.report(problem)
        return problem

    @hook("settings.report")
    def report(self, problem: str) -> None:
        self.log.error("%s", problem)


def defect_of(text: str) -> str | None:
    """Return the defect of the settings, or None. They are Python, as on a real server, and are only parsed."""
    try:
        module = ast.parse(text, SETTINGS_KEY)
    except SyntaxError as error:
        return f"line {error.lineno}: SyntaxError: {error.msg}"
    classes = [item.name for item in module.body if isinstance(item, ast.ClassDef)]
    return None if SETTINGS_CLASS in classes else f"KeyError: it defines no class {SETTINGS_CLASS}"
