"""``python -m tools.compare_cluster``: compare the answers of two clusters to the requests of suite and stand-in.

With one kubeconfig, the cluster is compared with recordings of real ones (``tools/conformance/recorded``). New versions
of Kubernetes are checked in this way, and so is the sandbox. All objects are created in a separate namespace, which is
removed afterwards; no pod is ever placed on a node. Exit codes: 0 without a difference, 1 with some, 2 for wrong use.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
from typing import NoReturn

from environments.sandbox.shared.borrowed import FLAG, MARKED, OWNER_LABEL, is_abandoned, is_marked, not_permitted
from support.clients.kubernetes.errors import ClusterError
from support.config.errors import ConfigurationError
from tools.conformance.cluster.probing import BROKEN, Cluster, registry
from tools.conformance.facts import Observed, Probe, compare, compare_with_record, nearest, records, table

for _room in ("jobs", "scheduling", "quota", "services", "refusals", "watching", "pace"):
    import_module(f"tools.conformance.cluster.{_room}")

ON_REQUEST = ("controller-pace",)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.compare_cluster", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--kubeconfig", type=Path, action="append", required=True, metavar="PATH", help="once or twice")
    parser.add_argument("--probe", action="append", default=[], metavar="NAME", help="only this one; may be repeated")
    parser.add_argument("--time-scale", type=float, default=1.0, help="of a sandbox; 1, as a real cluster has it")
    parser.add_argument("--save", type=Path, metavar="PATH", help="write the facts of the first cluster here (JSON)")
    parser.add_argument(FLAG, action="store_true", dest="permitted", help="use clusters that bear no mark")
    arguments = parser.parse_args(argv)

    def refuse(sentence: str) -> NoReturn:
        parser.exit(2, f"compare_cluster: {sentence}\n")

    if len(arguments.kubeconfig) > 2:
        refuse(f"--kubeconfig is given {len(arguments.kubeconfig)} times; allowed: once or twice")
    if not 0.001 <= arguments.time_scale <= 1:
        refuse(f"--time-scale {arguments.time_scale:g}: allowed is 0.001 to 1")
    try:
        probes = registry.chosen(arguments.probe, ON_REQUEST)
        clusters = [Cluster(path, arguments.time_scale) for path in arguments.kubeconfig]
        versions = [_ready(cluster, arguments.permitted) for cluster in clusters]
    except (LookupError, ConfigurationError, ClusterError, NotUsable) as error:
        refuse(str(error.args[0]) if isinstance(error, LookupError) else str(error))
    names = [f"{version} at {cluster.server}" for version, cluster in zip(versions, clusters, strict=True)]
    facts = play(clusters, probes)
    if arguments.save is not None:
        arguments.save.write_text(json.dumps({"version": versions[0], "facts": facts[0]}, indent=1) + "\n")
    if len(clusters) == 2:
        found, other = compare(*facts), names[1]
    else:
        record = nearest(records("kubernetes"), versions[0])
        found, other = (
            compare_with_record(facts[0], record, [probe.name for probe in probes]),
            f"recorded of {record.version}",
        )
    print("\n".join(table(found, names[0], other)))
    return 1 if found.differences else 0


class NotUsable(Exception):
    """A cluster that does not answer, refuses access or is not marked; the message is one sentence."""


def _ready(cluster: Cluster, permitted: bool) -> str:
    """Return the version of a usable cluster, and remove what an earlier comparison left. Raises NotUsable."""
    try:
        marks = [cluster.ask("GET", f"/api/v1/namespaces/{name}") for name in MARKED]
        if marks[0].status in (401, 403):
            raise NotUsable(f"the cluster at {cluster.server} refuses: {marks[0].message}")
        if not permitted and not is_marked(answer.body for answer in marks if answer.status == 200):
            raise NotUsable(not_permitted(cluster.server))
        kept = cluster.expect(200, cluster.ask("GET", "/api/v1/namespaces", labelSelector=f"{OWNER_LABEL}=comparison"))
        for namespace in filter(is_abandoned, kept["items"]):
            cluster.remove(namespace["metadata"]["name"])
        return cluster.version
    except BROKEN as error:
        raise NotUsable(f"the cluster at {cluster.server} cannot be used: {' '.join(str(error).split())}") from None


def play(clusters: Sequence[Cluster], probes: Sequence[Probe[Cluster]]) -> list[Observed]:
    """Return the facts of each cluster; two clusters are probed in parallel."""
    with ExitStack() as stack, ThreadPoolExecutor(len(clusters)) as pool:
        for cluster in clusters:
            stack.enter_context(cluster)

        def played(cluster: Cluster) -> Observed:
            return {name: value for probe in probes for name, value in probe.facts(cluster, BROKEN).items()}

        return list(pool.map(played, clusters))


if __name__ == "__main__":
    sys.exit(main())
