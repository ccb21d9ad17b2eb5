"""The selection that a run was asked for, its source, and refusals before anything is touched.

behave also reads settings from the home folder and from variables. A verdict must not depend on anything outside of
the checkout (behave 1.3.3, configuration.config_filenames and setup_stage).
"""

from __future__ import annotations

import configparser
import difflib
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from behave.configuration import config_filenames, read_configuration
from behave.tag_expression.builder import make_tag_expression

from support.files import PROJECT
from support.gherkin.dictionary import REQUIREMENT_TAG
from support.gherkin.tags import problem_with, with_requirements
from support.hooks.options import unusable
from support.reporting.record.context import has_begun
from support.reporting.record.model import Selection

_FEATURES = "features"
_SETTINGS = "pyproject.toml"
_CLOSE_ENOUGH = 0.5


def require_the_runner_of_this_suite() -> None:
    """End the process with exit code 2 for any other runner, which would judge without a record and end green.

    behave uses its own runner if it is called from another folder, where it does not read our settings. This check is
    made while behave loads the hooks, because behave records an exit from within a hook but does not follow it.
    """
    if not has_begun():
        print(
            f"behave was called in {Path.cwd()} with a runner that is not this suite's: its settings are read in "
            f"{PROJECT} only; call it there",
            file=sys.stderr,
        )
        raise SystemExit(2)


def refusal_of(config: Any, environment: Mapping[str, str]) -> str | None:
    """Return why a run with this configuration cannot be judged, in one sentence, or None."""
    return next(filter(None, _refusals(config, environment)), None)


def _refusals(config: Any, environment: Mapping[str, str]) -> Iterator[str | None]:
    yield from other_settings()
    if stage := environment.get("BEHAVE_STAGE"):
        yield f"BEHAVE_STAGE={stage}: other steps and hooks would run than those of this checkout; unset it"
    elif config.stage:
        yield f"--stage={config.stage}: other steps and hooks would run than those of this checkout; leave it out"
    yield from unusable(config)
    yield from (_missing(str(path)) for path in config.paths)
    yield from (problem_with(expression) for expression in _tags(config))


def other_settings() -> Iterator[str | None]:
    """Return an objection to each settings file, other than the suite's, that behave would read."""
    return (_settings_of(Path(name)) for name in config_filenames() if not _is_ours(Path(name)))


def _is_ours(path: Path) -> bool:
    return path.absolute().parent == Path.cwd() and path.name == _SETTINGS


def _settings_of(path: Path) -> str | None:
    """Return an objection to a settings file other than the suite's, in the checkout or outside of it, or None."""
    try:
        settings = read_configuration(str(path))
    except (configparser.Error, ValueError, OSError) as error:
        message = str(error).splitlines()[0].rstrip(".")
        return f"{path}: behave reads its settings from there and cannot: {message}; correct it or move it away"
    options = sorted(key.removeprefix("config_") for key, value in settings.items() if value)
    if not options and path.absolute().parent != Path.cwd():
        return None
    if not options:
        return f"{path}: behave forgets the formatters of {_SETTINGS} when it finds such a file beside it; move it away"
    return (
        f"{path}: behave would take {', '.join(options)} from there; "
        f"only the {_SETTINGS} of this checkout may say what runs: move it away"
    )


def _missing(path: str) -> str | None:
    file = re.sub(r":\d+$", "", path.removeprefix("@"))
    return None if Path(file).exists() else f"{path}: there is no such file or folder"


def _tags(config: Any) -> list[str]:
    tags = config.tags or []
    return [tags] if isinstance(tags, str) else [str(tag) for tag in tags]


def select_requirements(config: Any) -> None:
    """Let ``@JL-01`` in the tag expression mean every scenario of that requirement."""
    given = _tags(config)
    wanted = [with_requirements(expression) for expression in given]
    if wanted != given:
        config.tag_expression = make_tag_expression(wanted)


def selection_of(config: Any) -> Selection:
    """Return the selection. It is complete if it leaves out only what no run ever takes."""
    tags = " and ".join(_tags(config))
    default = config.default_tags or ""
    usual = " and ".join([default] if isinstance(default, str) else map(str, default))
    names = tuple(str(name) for name in config.name or ())
    paths = tuple(os.path.relpath(str(path)) for path in config.paths) or (_FEATURES,)
    everything = tags == usual and not names and paths == (_FEATURES,)
    patterns = config.include_re is None and config.exclude_re is None
    return Selection(tags, names, paths, everything and patterns and not config.stop)


def selection_text(config: Any) -> str:
    """Return the selection as a user would type it."""
    tags = config.tags
    text = tags if isinstance(tags, str) else " and ".join(tags or [])
    parts = [f"--tags={text}"] if text else []
    parts += [f"--name={name}" for name in config.name or []]
    patterns = {"include": config.include_re, "exclude": config.exclude_re}
    parts += [f"--{option}={pattern.pattern}" for option, pattern in patterns.items() if pattern is not None]
    paths = [os.path.relpath(str(path)) for path in config.paths]
    return " ".join(parts + ["in", ", ".join(paths)] if parts else [", ".join(paths)])


def near_miss(config: Any, features: Iterable[Any]) -> str:
    """Suggest existing tags and names that are close to unknown ones in the selection; empty if none is close."""
    scenarios = [scenario for feature in features for scenario in feature.walk_scenarios()]
    tags = {str(tag) for scenario in scenarios for tag in scenario.effective_tags}
    known = tags | {tag[:5] for tag in tags if REQUIREMENT_TAG.fullmatch(tag[:5])}
    asked = [word.lstrip("@") for expression in _tags(config) for word in re.findall(r"@[\w.-]+", expression)]
    close = [_closest(word, known, "@") for word in asked if word not in known]
    close += [_closest(name, {str(scenario.name) for scenario in scenarios}) for name in config.name or ()]
    found = [each for each in close if each]
    return f"; did you mean {' or '.join(found)}?" if found else ""


def _closest(word: str, known: Iterable[str], mark: str = "") -> str:
    found = difflib.get_close_matches(word, sorted(known), 1, _CLOSE_ENOUGH)
    return f"{mark}{found[0]}" if found else ""


def vanished(features: Sequence[Any], selection: Selection) -> list[str]:
    """Return one sentence for each part of the features that can never run: behave skips it silently."""
    return [*_without_rows(features), *_without_scenarios(features), *(_unread(features) if selection.complete else ())]


def _without_scenarios(features: Sequence[Any]) -> list[str]:
    """Report rules without an example."""
    return [
        f"{rule.filename}:{rule.line}: the rule {rule.name!r} has no example"
        for feature in features
        for rule in feature.run_items
        if rule.type == "rule" and not rule.run_items
    ]


def _unread(features: Sequence[Any]) -> list[str]:
    """Report feature files that a complete run has not read."""
    read = {Path(str(feature.filename)).resolve() for feature in features}
    files = sorted(Path(_FEATURES).rglob("*.feature"))
    return [f"{file}: nothing of it was read: it holds no feature" for file in files if file.resolve() not in read]


def _without_rows(features: Sequence[Any]) -> list[str]:
    """Report outlines without a single row left, and tables that have only their headings."""
    return [
        f"{scenario.filename}:{scenario.line}: the outline {scenario.name!r} has no row, so nothing of it runs"
        for feature in features
        for scenario in feature.walk_scenarios(with_outlines=True)
        if scenario.type == "scenario_outline" and not scenario.scenarios
    ]
