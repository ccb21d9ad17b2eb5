"""A RabbitMQ home with only the plugins that a sandbox needs, made of links to the files of Debian's package.

RabbitMQ reads all plugins that it finds at its start, even disabled ones. With the package's sixty, that takes a third
of the processor time until it listens.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

MANAGEMENT = "rabbitmq_management"
_CORE = "rabbit"
_DEPENDENCIES = re.compile(r"\{applications,\s*\[([^\]]*)\]")


def lay_out(home: Path, installed: Path) -> None:
    """Create ``home`` once from the ``installed`` one: its scripts, its core and the management interface."""
    (home / "plugins").mkdir(parents=True, exist_ok=True)
    scripts = [installed / name for name in ("sbin", "escript")]
    for source, target in [*((one, home / one.name) for one in scripts), *_plugins(home, installed)]:
        if not target.is_symlink():
            target.symlink_to(source)


def _plugins(home: Path, installed: Path) -> Iterable[tuple[Path, Path]]:
    """The folder of each required plugin, and its place in ``home``."""
    folders = {one.name.rpartition("-")[0]: one for one in (installed / "plugins").iterdir() if one.is_dir()}
    needed, seen = [_CORE, MANAGEMENT], set[str]()
    while needed:
        name = needed.pop()
        if name in folders and name not in seen:  # the other applications belong to Erlang
            seen.add(name)
            needed += _dependencies(folders[name] / "ebin" / f"{name}.app")
    return [(folders[name], home / "plugins" / folders[name].name) for name in sorted(seen)]


def _dependencies(specification: Path) -> list[str]:
    """The applications that an Erlang application depends on."""
    found = _DEPENDENCIES.search(specification.read_text(encoding="utf-8"))
    return [name.strip(" '\n\t") for name in found[1].split(",")] if found else []
