"""``python -m tools.compare_mongodb``: compare the answers of two MongoDB servers to the same requests.

With one URI, the server is compared with recorded answers (``tools/conformance/recorded``). Everything is written into
a separate database, which is dropped afterwards; a database with any other name is never written to. Exit codes: 0
without a difference, 1 with some, 2 for wrong use.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
from typing import NoReturn

from tools.conformance.database.probing import BROKEN, NotUsable, Server, registry
from tools.conformance.facts import compare, compare_with_record, nearest, records, table

for _room in ("documents", "commands"):
    import_module(f"tools.conformance.database.{_room}")


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.compare_mongodb", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--uri", action="append", required=True, metavar="URI", help="once or twice")
    parser.add_argument("--database", metavar="NAME", help="an empty one; by default one that nobody else has")
    parser.add_argument("--probe", action="append", default=[], metavar="NAME", help="only this one; may be repeated")
    parser.add_argument("--save", type=Path, metavar="PATH", help="write what the first server answered here (JSON)")
    parser.add_argument("--yes-this-server", action="store_true", dest="anywhere", help="use one on another machine")
    arguments = parser.parse_args(argv)

    def refuse(sentence: str) -> NoReturn:
        parser.exit(2, f"compare_mongodb: {sentence}\n")

    if len(arguments.uri) > 2:
        refuse(f"--uri is given {len(arguments.uri)} times; allowed: once or twice")
    try:
        probes = registry.chosen(arguments.probe)
        with ExitStack() as stack:
            servers = [
                stack.enter_context(Server(uri, arguments.database, arguments.anywhere)) for uri in arguments.uri
            ]
            names = [f"MongoDB {server.version} at {server.where}" for server in servers]
            version = servers[0].version
            observed = [
                {name: value for probe in probes for name, value in probe.facts(server, BROKEN).items()}
                for server in servers
            ]
    except (LookupError, NotUsable) as error:
        refuse(str(error.args[0]))
    if arguments.save is not None:
        arguments.save.write_text(json.dumps({"version": version, "facts": observed[0]}, indent=1) + "\n")
    if len(observed) == 2:
        found, other = compare(*observed), names[1]
    else:
        record = nearest(records("mongodb"), version)
        found = compare_with_record(observed[0], record, [probe.name for probe in probes])
        other = f"recorded of {record.version}"
    print("\n".join(table(found, names[0], other)))
    return 1 if found.differences else 0


if __name__ == "__main__":
    sys.exit(main())
