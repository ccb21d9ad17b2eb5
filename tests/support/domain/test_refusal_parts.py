"""The parts that a site's refusals name beside the reason."""

from __future__ import annotations

import pytest

from support.checks.refusals import names_every_address, names_what_is_missing
from tests.support.domain.builders import node
from tests.support.domain.test_answer_checks import answer
from tests.support.domain.test_job_checks import trouble

LIVE = {"prr": 0.0, "number_of_channels": 2222}
WAITING = {
    "error": "waiting for fiber",
    "fiber": {"state": "waiting for fiber", "missing": ["prr"]},
    "action": "connect the fiber and ask again",
}


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        (WAITING, None),
        ({"error": "waiting for fiber"}, "does not say what to do"),
        ({**WAITING, "action": ""}, "does not say what to do"),
        ({**WAITING, "fiber": {"state": "waiting for fiber", "missing": []}}, "does not say what is missing"),
        ({**WAITING, "fiber": {"state": None, "missing": ["prr"]}}, "does not say what is missing"),
        ({**WAITING, "fiber": {"state": "waiting", "missing": ["number_of_channels"]}}, "is not missing"),
        (["waiting for fiber"], "does not say what to do"),
    ],
)
def test_the_refusal_for_want_of_a_fibre(body: object, wrong: str | None) -> None:
    found = trouble(names_what_is_missing(LIVE), answer(503, body))
    assert (found is None) if wrong is None else (found is not None and wrong in found)


def test_every_address_of_a_node_is_named_once_and_in_order() -> None:
    one = node()
    hosts = sorted({one.name, *one.addresses})
    allowed = "allowed http://<host> with one of "
    assert trouble(names_every_address([one]), answer(503, {"error": allowed + ", ".join(hosts)})) is None
    found = trouble(names_every_address([one]), answer(503, {"error": allowed + hosts[0]}))
    assert found is not None and f"does not name {hosts[1]}" in found
    found = trouble(names_every_address([one]), answer(503, {"error": allowed + ", ".join(reversed(hosts))}))
    assert found is not None and "names them as" in found
