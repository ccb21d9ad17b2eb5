"""Hooks around each scenario: skip by declaration, release what was opened, check the server, keep evidence."""

from __future__ import annotations

import sys

from behave.model import Scenario
from behave.runner import Context

from support import waits
from support.files import write_atomically
from support.hooks.evidence import ScenarioWindow
from support.hooks.layers import note_layer, reason_of_a_lower_layer
from support.hooks.server_errors import ServerErrors
from support.hooks.suspects import AMBIENT
from support.reporting.formatter import run_folder
from support.reporting.record import context as reporting
from support.reporting.record.identity import identify
from support.selection import reason_by_the_clock, reason_to_skip, reason_to_wait
from support.world.world import World


class Leftover(AssertionError):
    """Something of this scenario could not be removed."""


class AmbientTrouble(AssertionError):
    """The Focus Server restarted or logged errors while the scenario ran. Each of the ``parts`` is one such problem."""

    def __init__(self, parts: list[str]) -> None:
        self.parts = [f"{AMBIENT}{part}" for part in parts]
        super().__init__("; ".join(self.parts))


def before_scenario(context: Context, scenario: Scenario) -> None:
    world: World = context.world
    tags = scenario.effective_tags
    reason = (
        reason_to_skip(tags, world.environment)
        or reason_by_the_clock(tags, world.environment)
        or reason_to_wait(tags, context.config.userdata, world.capacity.baselines)
        or reason_of_a_lower_layer(identify(scenario).requirement, reporting.current())
    )
    if reason is not None:
        scenario.skip(reason)
        return
    context.subject = None
    waits.deadline_use.forget()
    world.reports.used.clear()
    context.window = ScenarioWindow(world)
    context.server_before = world.cluster.ambient.look()
    _tell_remarks(world)
    world.releases.begin_scenario()
    context.add_cleanup(_release, context, identify(scenario).id)
    context.add_cleanup(world.changes.undo_all)


def after_scenario(context: Context, scenario: Scenario) -> None:
    """Keep evidence while the objects of the scenario still exist, then report the findings of the ambient checks."""
    if "server_before" not in context:
        return
    world: World = context.world
    is_bad = scenario.status.is_failure() or scenario.status.is_error()
    identity = identify(scenario)
    # A load scenario does not see a layer at rest: its failure may be that of a busy machine.
    at_rest = "load" not in scenario.effective_tags
    note_layer(identity.requirement, identity.id, is_bad and at_rest, reporting.current())
    for path in world.reports.used:
        reporting.current().add_evidence(identity.id, str(path))
    troubles = world.cluster.ambient.troubles_since(context.server_before)
    _tell_remarks(world)
    if troubles or is_bad:
        _keep_evidence(context, scenario)
        _conclude(context, identity.id, [text for text in troubles if "logged" not in text])
    if troubles and world.neighbours.side_by_side:
        reporting.current().shared_troubles[identity.id] = troubles  # runs alone find the cause later
    elif troubles:
        raise AmbientTrouble(troubles)


def _tell_remarks(world: World) -> None:
    for remark in [*world.cluster.ambient.new_remarks(), *reporting.current().new_asides()]:
        print(f"note: {world.journal.redact(remark)}", file=sys.stderr)


def _keep_evidence(context: Context, scenario: Scenario) -> None:
    name = identify(scenario).id
    folder = run_folder(context.config) / "evidence"
    for path in context.window.keep(folder, name, scenario.name):
        reporting.current().add_evidence(name, str(path))


def _conclude(context: Context, name: str, ended: list[str]) -> None:
    """Record what caused the server's own failures, if there were any."""
    world: World = context.world
    errors = ServerErrors(world, context.window.calls(), context.window.started, ended)
    if errors.answers:
        sentence, lines = errors.conclude()
        path = run_folder(context.config) / "evidence" / f"{name}.5xx.txt"
        write_atomically(path, world.journal.redact("\n".join(lines)) + "\n")
        reporting.current().add_evidence(name, str(path))
        reporting.current().conclusions[name] = world.journal.redact(sentence)


def _release(context: Context, scenario_id: str) -> None:
    """Release what the scenario opened. Registered first, this clean-up runs last, after its changes are undone."""
    left = context.world.releases.release_all()
    reporting.current().closest_deadlines[scenario_id] = waits.deadline_use.closest
    if left:
        reporting.current().leftovers.extend(left)
        raise Leftover(f"could not be removed after the scenario: {', '.join(left)}")
