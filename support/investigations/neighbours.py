"""Neighbours: anyone else who opens investigations in the cluster while a scenario runs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Neighbours:
    """Other users of a shared cluster, and scenarios of this run that run in parallel with this one.

    Without neighbours, everything new in the cluster is ours; with them, only what was started for our channels.
    """

    on_the_cluster: bool
    side_by_side: bool = False

    @property
    def are_none(self) -> bool:
        return not self.on_the_cluster and not self.side_by_side
