"""Results of the mutants that are kept with the code: the counts, and which scenario noticed which mutant.

That scenario is tried first the next time. The site shows these results if no mutants have been tried since.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from support.files import write_atomically
from tools.mutants.mutant import SANDBOX, Mutant, MutantsError
from tools.mutants.table import Outcome, as_data
from tools.mutants.trial import KILLED, SURVIVED, Result

FILE = SANDBOX / "mutants.json"


def read_kept(mutants: Iterable[Mutant], file: Path = FILE) -> dict[str, Result]:
    """Return the kept results of mutants that still exist, by id. Raises :class:`MutantsError` for another file."""
    if not file.is_file():
        return {}
    content = json.loads(file.read_text(encoding="utf-8"))
    try:
        by = {name: scenario for scenario, names in content["noticed_by"].items() for name in names}
        survived = dict.fromkeys(content["survived"], "")
    except (KeyError, AttributeError, TypeError) as error:
        raise MutantsError(f"{file.name}: not what python -m tools.mutants keep writes: {error!r}") from error
    return {
        one.id: _result(one, KILLED if one.id in by else SURVIVED, by.get(one.id, ""))
        for one in mutants
        if one.id in by or one.id in survived
    }


def _result(one: Mutant, verdict: str, by: str) -> Result:
    place = one.place
    return Result(one.id, one.at, place.line, place.operator, place.words, verdict, by, "kept", 0, 0.0)


def keep(found: Sequence[Outcome], file: Path = FILE) -> None:
    """Write the results, with one line for each scenario."""
    noticed: Mapping[str, list[str]] = defaultdict(list)
    for one in found:
        if one.verdict == KILLED:
            noticed[one.by].append(one.mutant.id)
    by = {scenario: sorted(noticed[scenario]) for scenario in sorted(noticed)}
    survived = sorted(one.mutant.id for one in found if one.verdict == SURVIVED)
    text = json.dumps({**as_data(found), "noticed_by": by, "survived": survived}, ensure_ascii=False)
    write_atomically(file, text.replace('}, {"', '},\n{"').replace('], "', '],\n"') + "\n")
