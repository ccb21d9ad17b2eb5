"""kubectl on the target host: it reads the cluster through the Kubernetes API and prints in kubectl's wording.

It supports ``version`` and ``get`` with the options of :data:`_PARSER`. Anything else is an error that names it.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import aiohttp

from environments.sandbox.kubernetes.store.resources import RESOURCES, Resource
from environments.sandbox.shared.kubernetes_client import JSON, KubernetesClient, Refused, Unreachable
from environments.sandbox.shared.kubernetes_versions import KubernetesVersion
from environments.sandbox.ssh.host import Result

KUSTOMIZE_VERSION = "v5.7.1"
_TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
_PADDING, _NARROWEST = 3, 6
_OUTPUTS = {"version": ("", "json"), "get": ("", "wide", "json", "name")}

Object = dict[str, Any]


class KubectlError(Exception):
    """An error that kubectl prints on standard error before it exits with 1."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise KubectlError(f"error: {message}")


_PARSER = _Parser(prog="kubectl", add_help=False, allow_abbrev=False)
_PARSER.add_argument("verb", nargs="?", default="")
_PARSER.add_argument("operands", nargs="*")
_PARSER.add_argument("-n", "--namespace", default="default")
_PARSER.add_argument("-o", "--output", default="")
_PARSER.add_argument("-l", "--selector")
_PARSER.add_argument("-A", "--all-namespaces", action="store_true")
_PARSER.add_argument("--no-headers", action="store_true")
_PARSER.add_argument("--client", action="store_true")


async def run(words: Sequence[str], access: Mapping[str, str], version: KubernetesVersion) -> Result:
    """Run ``kubectl words`` as this version; ``access`` is {url, ca_file, token} of the API server."""
    try:
        asked = _PARSER.parse_intermixed_args(words)
        if asked.verb not in _OUTPUTS:
            raise KubectlError(
                f'error: unknown command "{asked.verb}" for "kubectl": the sandbox knows version and get'
            )
        if asked.output not in _OUTPUTS[asked.verb]:
            known = ", ".join(filter(None, _OUTPUTS[asked.verb]))
            raise KubectlError(f'error: the output format "{asked.output}" is not supported here, only {known}')
        client = KubernetesClient(access)
        try:
            return await (_version(asked, client, version) if asked.verb == "version" else _get(asked, client))
        finally:
            await client.close()
    except KubectlError as error:
        text = str(error)
    except Unreachable as error:
        text = _why_unreachable(error.__cause__, access["url"].rstrip("/"))
    except Refused as error:
        text = _why_refused(error)
    return Result(stderr=f"{text}\n", exit_code=1)


async def _version(asked: argparse.Namespace, client: KubernetesClient, version: KubernetesVersion) -> Result:
    own = {field: version.described()[field] for field in ("major", "minor", "gitVersion", "platform")}
    versions: Object = {"clientVersion": own, "kustomizeVersion": KUSTOMIZE_VERSION}
    if not asked.client:
        versions["serverVersion"] = await client.request("GET", "/version")
    if asked.output == "json":
        return Result(json.dumps(versions, indent=2) + "\n")
    text = f"Client Version: {own['gitVersion']}\nKustomize Version: {KUSTOMIZE_VERSION}\n"
    if not asked.client:
        text += f"Server Version: {versions['serverVersion']['gitVersion']}\n"
    return Result(text)


async def _get(asked: argparse.Namespace, client: KubernetesClient) -> Result:
    resource, name = _named(asked.operands)
    scope = f"/namespaces/{asked.namespace}" if resource.namespaced and not asked.all_namespaces else ""
    root = "/apis/" if resource.group else "/api/"
    path = f"{root}{resource.api_version}{scope}/{resource.plural}" + (f"/{name}" if name else "")
    selector = {"labelSelector": asked.selector} if asked.selector else None
    prints_table = asked.output in ("", "wide")
    answer = await client.request("GET", path, parameters=selector, accept=_TABLE if prints_table else JSON)
    if prints_table:
        rows = _table_rows(answer, asked)
        none = f"No resources found{f' in {asked.namespace} namespace.' if scope else ''}\n"
        return Result(_aligned(rows)) if answer["rows"] else Result(stderr=none)
    items = [{"apiVersion": resource.api_version, "kind": resource.kind, **item} for item in answer.get("items", ())]
    if asked.output == "name":
        return Result("".join(f"{_shown(resource)}/{item['metadata']['name']}\n" for item in items or [answer]))
    listed = {"apiVersion": "v1", "items": items, "kind": "List", "metadata": {"resourceVersion": ""}}
    return Result(json.dumps(answer if name else listed, indent=4, sort_keys=True) + "\n")


def _named(operands: Sequence[str]) -> tuple[Resource, str]:
    """The resource and name of ``TYPE``, ``TYPE NAME`` or ``TYPE/NAME``."""
    words = "/".join(operands).split("/")
    if not operands or len(words) > 2:
        raise KubectlError("error: You must specify the type of resource, and one name at most")
    for resource in RESOURCES.values():
        if words[0].lower() in (resource.plural, resource.singular, *resource.short_names, resource.qualified):
            return resource, words[1] if len(words) == 2 else ""
    raise KubectlError(f'error: the server doesn\'t have a resource type "{words[0]}"')


def _shown(resource: Resource) -> str:
    return f"{resource.singular}.{resource.group}" if resource.group else resource.singular


def _table_rows(table: Object, asked: argparse.Namespace) -> list[list[str]]:
    """The rows of the server's Table; columns of lower priority only with ``-o wide``."""
    columns = table["columnDefinitions"]
    shown = [index for index, column in enumerate(columns) if asked.output == "wide" or not column.get("priority")]
    rows = [] if asked.no_headers else [[columns[index]["name"].upper() for index in shown]]
    cells = ([row["cells"][index] for index in shown] for row in table["rows"])
    rows += [["<none>" if cell is None else str(cell) for cell in row] for row in cells]
    if asked.all_namespaces:
        namespaces = [row["object"]["metadata"].get("namespace", "") for row in table["rows"]]
        given = namespaces if asked.no_headers else ["NAMESPACE", *namespaces]
        rows = [[namespace, *row] for namespace, row in zip(given, rows, strict=True)]
    return rows


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    """Align the columns with three blanks between them and none after the last."""
    widths = [max(_NARROWEST, _PADDING + max(map(len, column))) for column in zip(*rows, strict=True)]
    padded = [[cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in rows]
    return "".join("".join(row[:-1]) + row[-1].rstrip() + "\n" for row in padded)


def _why_unreachable(cause: BaseException | None, url: str) -> str:
    if isinstance(cause, aiohttp.ClientConnectorError) and not isinstance(cause, aiohttp.ClientSSLError):
        server = url.partition("://")[2]
        return f"The connection to the server {server} was refused - did you specify the right host or port?"
    return f"Unable to connect to the server: {cause or 'no answer in time'}"


def _why_refused(error: Refused) -> str:
    """The error of the server's Status object in kubectl's wording."""
    if error.status == 401:
        return f"error: You must be logged in to the server ({error.reason})"
    return f"Error from server ({error.reason or error.status}): {error.message}"
