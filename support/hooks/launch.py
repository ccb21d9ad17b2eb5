"""``python -m support.hooks.launch TAGS ARGUMENT...``: behave with these arguments, as ``make acceptance`` runs it.

behave reads its settings and the tag expression before it loads anything of this suite, and reports what is wrong with
them itself. So both are checked first, in the same process: to start another one took a tenth of a run of one scenario.
"""

from __future__ import annotations

import argparse
import runpy
import sys
from collections.abc import Sequence

from support.gherkin.tags import problem_with
from support.hooks.asked import other_settings


def refusal_of(tags: str) -> str | None:
    """Return why behave would not begin with this tag expression here, in one sentence, or None. An empty expression
    means what the settings say."""
    return next(filter(None, (*other_settings(), problem_with(tags))), None)


def main(command_line: Sequence[str] | None = None) -> None:
    """Become behave, or exit with 2 and a sentence on stderr."""
    parser = argparse.ArgumentParser(prog="python -m support.hooks.launch", description="Run behave, if it can begin.")
    parser.add_argument("tags", help="the tag expression as given; empty: what the settings say")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="the arguments of behave")
    given = parser.parse_args(command_line)
    if (refusal := refusal_of(given.tags)) is not None:
        print(refusal, file=sys.stderr)
        raise SystemExit(2)
    sys.argv = ["behave", *given.arguments]
    runpy.run_module("behave", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
