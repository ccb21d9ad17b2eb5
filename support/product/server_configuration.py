"""Configuration of the Focus Server: its ConfigMap, changed for one scenario and always put back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from support.clients.change_journal import Changes
from support.clients.kubernetes.client import KubernetesClient, Node

CONFIG_MAP = "prisma-config"
CONFIG_MAP_KEY = "config_map_key"
STREAM_ADDRESS = "focus_view_url"
SETTINGS = "default_config.py"
# A text that breaks off in the middle, as after an interrupted change.
_BROKEN = 'class Focus:\n    storage_mount_path = "/prisma/root\n'


class ServerConfiguration:
    """Reads and writes single keys of the product's ConfigMap. Writing needs the permission to disrupt."""

    def __init__(self, cluster: KubernetesClient, changes: Changes) -> None:
        self._cluster, self._changes = cluster, changes

    def stream_address(self) -> str:
        """Return the address that is configured now."""
        return self._cluster.config_map(CONFIG_MAP).data[STREAM_ADDRESS]

    def settings(self) -> str | None:
        """Return the settings file that the server loads when it starts; None if it is configured without one."""
        return self._cluster.config_map(CONFIG_MAP).data.get(SETTINGS)

    def set_settings(self, text: str | None) -> None:
        self._cluster.patch_config_map(CONFIG_MAP, {SETTINGS: text})

    def break_settings(self) -> None:
        """Configure a file of settings that no server can load."""
        self.set_settings(_BROKEN)

    def configure_stream_address(self, words: str) -> None:
        """Configure the address that these words describe, until the end of the scenario."""
        addresses: dict[str, Callable[[], str]] = {
            "an impossible address": lambda: "http://999.999.999.999",
            "an address of nobody": lambda: _address_of_nobody(self._cluster.nodes()),
            "no address at all": lambda: "",
            "a broken address": lambda: f"{self.stream_address()}:port",
            "the address of another node": lambda: _address_of_another(self._cluster.nodes(), self.stream_address()),
        }
        if words not in addresses:
            raise LookupError(f"no stream address is known as {words!r}; known are: {'; '.join(addresses)}")
        before, address = self.stream_address(), addresses[words]()
        what = f"{STREAM_ADDRESS} of config map {CONFIG_MAP} is {address!r} and was {before!r}"
        self._changes.begin(CONFIG_MAP_KEY, what, key=STREAM_ADDRESS, value=before)
        self._cluster.patch_config_map(CONFIG_MAP, {STREAM_ADDRESS: address})

    def put_back(self, undo: Mapping[str, Any]) -> None:
        """Put one key back to its former value, None if it was absent, and verify the result."""
        key, value = str(undo["key"]), undo["value"]
        changed = self._cluster.patch_config_map(CONFIG_MAP, {key: value})
        if changed.data.get(key) != value:
            raise AssertionError(f"{key} of config map {CONFIG_MAP} does not take its value of before")


def _address_of_another(nodes: list[Node], configured: str) -> str:
    """Return the address of another node that takes jobs. Raises AssertionError if the cluster has none."""
    host = urlsplit(configured).hostname
    for node in nodes:
        if node.ready and node.schedulable and host not in (node.name, *node.addresses):
            return f"http://{next(address for address in node.addresses if address.count('.') == 3)}"
    raise AssertionError(f"no node but {host} takes jobs: its address cannot be replaced by that of another")


def _address_of_nobody(nodes: list[Node]) -> str:
    """Return an address in the network of the nodes that belongs to none of them."""
    taken = {address for node in nodes for address in node.addresses}
    network = next(address for address in sorted(taken) if address.count(".") == 3).rsplit(".", 1)[0]
    free = next(f"{network}.{last}" for last in range(254, 1, -1) if f"{network}.{last}" not in taken)
    return f"http://{free}"
