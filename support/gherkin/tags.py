"""Checks of a tag expression before a run is started with it.

behave reads the expression before any code of the suite runs. It answers a malformed one with three lines and exit code
1, and an old-style or misspelt one with an empty selection. `make acceptance TAGS=...` therefore checks it first
(`support/hooks/launch.py`), and exits with 2 and one sentence on stderr if the expression cannot be used.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable

from behave.tag_expression.builder import TagExpressionProtocol, make_tag_expression
from behave.tag_expression.parser import TagExpressionError

from support.gherkin.dictionary import AREAS, KINDS, ORDER, REQUIREMENT_TAG, SAFETY, STATES, is_known_tag

KNOWN_WORDS = (*AREAS, *KINDS, *SAFETY, *ORDER, *STATES)
_OPERATORS = frozenset({"and", "or", "not"})
_WILDCARDS = frozenset("*?[")
_REQUIREMENT = re.compile(rf"@?(?P<requirement>{REQUIREMENT_TAG.pattern})(?![\w*?\[.-])")


def problem_with(expression: str) -> str | None:
    """Return one sentence on why an expression cannot be used, or None."""
    text = expression.replace("{config.tags}", "@smoke")
    if not text.strip():
        return None
    try:
        # A list with one element, as behave makes it from its command line.
        TagExpressionProtocol.V2.parse([text])
    except TagExpressionError as error:
        return f"--tags={expression} cannot be understood: {str(error).splitlines()[0].rstrip('.')}"
    words = [word for word in re.split(r"[\s()]+", text) if word and word not in _OPERATORS]
    old = next((word for word in words if word[0] in "~-" or "," in word), None)
    if old is not None:
        return f"--tags={expression} uses the old style {old}; write it with and, or, not"
    unknown = next((word for word in words if not _is_usable(word.removeprefix("@"))), None)
    if unknown is not None:
        near = difflib.get_close_matches(unknown.removeprefix("@"), KNOWN_WORDS, n=1)
        close = f"; did you mean @{near[0]}?" if near else ""
        return f"--tags={expression} names {unknown}, which is not in the tag dictionary{close}"
    return None


def with_requirements(expression: str) -> str:
    """Replace a requirement such as ``@JL-01`` with ``@JL-01?``, behave's pattern for all its scenarios."""
    return _REQUIREMENT.sub(lambda match: f"@{match['requirement']}?", expression)


def selector(expression: str) -> Callable[[Iterable[str]], bool]:
    """Return a predicate: whether a run with this expression selects a scenario with these tags, each without @."""
    wanted = make_tag_expression([with_requirements(expression)])
    return lambda tags: bool(wanted.check(list(tags)))


def _is_usable(tag: str) -> bool:
    return REQUIREMENT_TAG.fullmatch(tag) is not None or bool(_WILDCARDS.intersection(tag)) or is_known_tag(tag)
