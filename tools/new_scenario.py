"""``python -m tools.new_scenario``: create the four pieces of a new scenario, each in its place.

The pieces are the example in its feature, a phrase for each step that no phrase matches, the fault in the catalogue,
and its function at a hook point of the sandbox's Focus Server. A piece that is not finished fails with a message.
"""

from __future__ import annotations

import argparse
import json
import re
import string
import sys
from collections.abc import Sequence
from pathlib import Path

from behave import step_registry
from behave.runner_util import load_step_modules

from support.fault_catalogue import load_catalogue
from support.files import PROJECT
from support.gherkin.documents import read_documents
from support.gherkin.requirements import read_requirements

FAULTS = Path("environments") / "sandbox"
_KEYWORDS = ("Given", "When", "Then", "And")


class NewScenarioError(Exception):
    """The scenario cannot be created; the message is one sentence. Nothing was written."""


def main(arguments: Sequence[str] | None = None, root: Path = PROJECT) -> int:
    asked = _arguments().parse_args(arguments)
    try:
        written = make(asked, root)
    except NewScenarioError as error:
        print(f"new_scenario: {error}", file=sys.stderr)
        return 2
    for line in written:
        print(line)
    return 0


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.new_scenario", description=__doc__)
    parser.add_argument("requirement", help="such as JL-01: focus-acceptance list requirements")
    parser.add_argument("title", help="the outcome, in words of the domain")
    parser.add_argument("--feature", type=Path, required=True, help="features/<area>/<file>.feature, which exists")
    parser.add_argument("--step", action="append", required=True, dest="steps", help='"When ...", "Then ..."; repeated')
    parser.add_argument("--noun", required=True, help="the module of new phrases: job for steps/job_steps.py")
    parser.add_argument("--fault", required=True, help="the id of the fault it must catch, such as port-shared")
    parser.add_argument("--notice", required=True, help="what a user would notice of that fault, as a sentence")
    parser.add_argument("--says", required=True, help="words that stand in the failure of the scenario")
    parser.add_argument("--related", action="append", default=[], help="what cannot hold either; repeated")
    parser.add_argument(
        "--at", default="configure.answer", help="the hook point: environments/sandbox/focus_server/hooks.py"
    )
    parser.add_argument("--module", default="answers", help="of environments/sandbox/focus_server/faults")
    return parser


def make(asked: argparse.Namespace, root: Path) -> list[str]:
    """Write the four pieces, and return a line for each thing written."""
    module = root / FAULTS / "focus_server" / "faults" / f"{asked.module}.py"
    steps = root / "steps" / f"{asked.noun}_steps.py"
    _refuse(asked, root, module, steps)
    name = _next_id(asked.requirement, root)
    known, missing = _matched(asked.steps, root / "steps")
    _add_example(root / asked.feature, name, asked.title, asked.steps)
    _append(steps, [_phrase(kind, text) for kind, text in missing])
    _add_to_catalogue(root / FAULTS / "faults.toml", asked, name)
    _append(module, [_fault(asked)])
    return [
        f"scenario  {asked.feature}: @{name}",
        *(f"phrase    matched in {place}: {text}" for text, place in known),
        *(f"phrase    to be written in steps/{steps.name}: {kind} {text}" for kind, text in missing),
        f"fault     {FAULTS / 'faults.toml'}: {asked.fault}",
        f"function  to be written in {module.relative_to(root)}",
        f"then      make faults FAULT={asked.fault}",
    ]


def _refuse(asked: argparse.Namespace, root: Path, module: Path, steps: Path) -> None:
    if asked.requirement not in read_requirements().titles:
        raise NewScenarioError(f"{asked.requirement} is not in docs/requirements.toml")
    if asked.fault in load_catalogue(root / FAULTS / "faults.toml"):
        raise NewScenarioError(f"--fault {asked.fault}: it is in the catalogue already")
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", asked.fault):
        raise NewScenarioError(f"--fault {asked.fault}: small letters, digits and hyphens")
    for path in (root / asked.feature, module, steps):
        if not path.is_file():
            raise NewScenarioError(f"there is no file {path.relative_to(root)}")
    wrong = next((step for step in asked.steps if step.partition(" ")[0] not in _KEYWORDS), None)
    if wrong is not None:
        raise NewScenarioError(f"--step {wrong!r}: it begins with one of {', '.join(_KEYWORDS)}")
    if asked.steps[0].startswith("And "):
        raise NewScenarioError(f"--step {asked.steps[0]!r}: And continues another step")


def _next_id(requirement: str, root: Path) -> str:
    """Return the id with the letter after the last one in use: an id is never used again."""
    examples = [e for document in read_documents(root / "features") for rule in document.rules for e in rule.examples]
    used = sorted(e.id[5] for e in examples if e.id and e.id.startswith(requirement))
    letters = string.ascii_lowercase
    place = letters.index(used[-1]) + 1 if used else 0
    if place == len(letters):
        raise NewScenarioError(f"{requirement} has no letter left")
    return f"{requirement}{letters[place]}"


def _matched(steps: Sequence[str], folder: Path) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Return the matched steps with the place of their phrase, and the others as (kind, text)."""
    step_registry.registry.clear()
    load_step_modules([str(folder)])
    known, missing, kind = [], [], "given"
    for step in steps:
        keyword, _, text = step.partition(" ")
        kind = kind if keyword == "And" else keyword.lower()
        match = next((one for one in step_registry.registry.steps[kind] if one.match(text)), None)
        if match is None:
            missing.append((kind, text))
        else:
            known.append((text, f"steps/{Path(match.location.filename).name}:{match.location.line}"))
    return known, missing


def _add_example(feature: Path, name: str, title: str, steps: Sequence[str]) -> None:
    """Add the example at the end of the last rule."""
    text = feature.read_text(encoding="utf-8").rstrip("\n")
    indent = "    " if re.search(r"^  Rule:", text, re.MULTILINE) else "  "
    lines = [f"{indent}@{name}", f"{indent}Example: {title}", *(f"{indent}  {step}" for step in steps)]
    feature.write_text("\n".join([text, "", *lines]) + "\n", encoding="utf-8")


def _phrase(kind: str, text: str) -> str:
    function = re.sub(r"\W+", "_", text.lower()).strip("_")[:60]
    lines = [
        f'@{kind}("{text}")',
        f"def {function}(context):",
        '    raise NotImplementedError("one call of context.world, or one matcher")',
    ]
    return "\n".join(lines)


def _fault(asked: argparse.Namespace) -> str:
    return (
        f'@change("{asked.fault}", at="{asked.at}")\n'
        "def _(outcome: Any, *asked: Any) -> Any:\n"
        f'    """{asked.notice}"""\n'
        '    raise NotImplementedError("return what counts instead of the outcome")\n'
    )


def _append(path: Path, pieces: Sequence[str]) -> None:
    if pieces:
        text = path.read_text(encoding="utf-8").rstrip("\n")
        path.write_text("\n\n\n".join([text, *(piece.rstrip("\n") for piece in pieces)]) + "\n", encoding="utf-8")


def _add_to_catalogue(path: Path, asked: argparse.Namespace, name: str) -> None:
    """Add the fault after the other faults of the requirement, or at the end."""
    related = f"related = {json.dumps(asked.related)}\n" if asked.related else ""
    entry = (
        f'[[fault]]\nid = "{asked.fault}"\nrequirement = "{asked.requirement}"\nnotice = "{asked.notice}"\n'
        f'process = "focus_server"\nscenarios = {{ {name} = "{asked.says}" }}\n{related}'
    )
    blocks = path.read_text(encoding="utf-8").rstrip("\n").split("\n\n")
    own = [n for n, block in enumerate(blocks) if f'\nrequirement = "{asked.requirement}"\n' in f"{block}\n"]
    blocks.insert(own[-1] + 1 if own else len(blocks), entry.rstrip("\n"))
    path.write_text("\n\n".join(blocks) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
