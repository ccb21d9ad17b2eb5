"""Python loads this module at startup if this folder is in PYTHONPATH. Only `tools.mutants` puts it there, for the
sandboxes it starts. In any other process, or without a switch, it does nothing."""

import os
import sys

_SWITCH = "FOCUS_MUTANTS_SWITCH"


class _Begin:
    """Waits for the first import of the sandbox, because the project is in sys.path only from then on."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name == "environments":
            sys.meta_path.remove(self)
            from tools.mutants.in_sandbox import begin

            begin(os.environ[_SWITCH])


if _SWITCH in os.environ and sys.orig_argv[-2:-1] == ["-m"] and sys.orig_argv[-1].startswith("environments.sandbox."):
    sys.meta_path.insert(0, _Begin())
