"""kubectl on the target host: the cluster's real state through the Kubernetes API, in kubectl's words.

It knows ``version``, ``get``, ``logs``, ``delete`` and ``scale``, each with the options of :mod:`kubectl_arguments`.
Everything else is an error that names what is not supported.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

from environments.sandbox.shared.kubernetes_versions import KubernetesVersion
from environments.sandbox.ssh.host import Result
from environments.sandbox.ssh.kubectl_arguments import CommandLine, parse
from environments.sandbox.ssh.kubectl_errors import KubectlError
from environments.sandbox.ssh.kubectl_output import aligned, custom_columns, indented_json, jsonpath, table_rows
from environments.sandbox.ssh.kubernetes_api import KubernetesAPI, NotFoundError, Resource, resource_named

KUSTOMIZE_VERSION = "v5.7.1"
_DELETABLE = ("pods", "jobs")
_SCALABLE = ("deployments", "statefulsets")
_DELETION_POLL_S = 0.05
_DELETION_LIMIT_S = 60.0


async def run(words: Sequence[str], access: Mapping[str, str], version: KubernetesVersion) -> Result:
    """Run ``kubectl words`` of a version; ``access`` is {url, ca_file, token} of the API server."""
    try:
        line = parse(words)
        async with KubernetesAPI(access, version) as api:
            return await _VERBS[line.verb](line, api)
    except KubectlError as error:
        return Result(stderr=f"{error}\n", exit_code=1)


async def _version(line: CommandLine, api: KubernetesAPI) -> Result:
    output = line.options.get("output", "")
    if output not in ("", "json") or line.operands:
        raise KubectlError("error: kubectl version supports only --client and -o json here")
    client = {field: api.version.described()[field] for field in ("major", "minor", "gitVersion", "platform")}
    versions: dict[str, Any] = {"clientVersion": client, "kustomizeVersion": KUSTOMIZE_VERSION}
    if not line.is_on("client"):
        versions["serverVersion"] = await api.get("/version")
    if output == "json":
        return Result(json.dumps(versions, indent=2) + "\n")
    text = f"Client Version: {client['gitVersion']}\nKustomize Version: {KUSTOMIZE_VERSION}\n"
    if "serverVersion" in versions:
        text += f"Server Version: {versions['serverVersion']['gitVersion']}\n"
    return Result(text)


async def _get(line: CommandLine, api: KubernetesAPI) -> Result:
    resource, names = _operands(line)
    output = line.options.get("output", "")
    if names and ("selector" in line.options or "field-selector" in line.options):
        raise KubectlError("error: name cannot be provided when a selector is specified")
    try:
        if output in ("", "wide"):
            return await _get_table(line, api, resource, names)
        answers = [await api.get(path, _selectors(line)) for path in _paths(line, resource, names)]
    except NotFoundError:
        if line.is_on("ignore-not-found"):
            return Result()
        raise
    return _printed(output, line, resource, answers[0] if len(names) == 1 else _as_list(resource, answers, bool(names)))


async def _get_table(line: CommandLine, api: KubernetesAPI, resource: Resource, names: Sequence[str]) -> Result:
    header: list[str] = []
    rows: list[list[str]] = []
    for path in _paths(line, resource, names):
        table = await api.get(path, _selectors(line), table=True)
        header, more = table_rows(table, line.options.get("output") == "wide", line.is_on("all-namespaces"))
        rows += more
    if not rows:
        scoped = resource.namespaced and not line.is_on("all-namespaces")
        return Result(stderr=f"No resources found{f' in {line.namespace} namespace.' if scoped else ''}\n")
    return Result(aligned(rows if line.is_on("no-headers") else [header, *rows]))


def _printed(output: str, line: CommandLine, resource: Resource, value: Any) -> Result:
    kind, _, argument = output.partition("=")
    items = value["items"] if value.get("kind") == "List" else [value]
    if kind == "json" and not argument:
        return Result(indented_json(value))
    if kind == "name" and not argument:
        return Result("".join(f"{resource.shown}/{item['metadata']['name']}\n" for item in items))
    if kind == "jsonpath" and argument:
        return Result(jsonpath(argument, value))
    if kind == "custom-columns" and argument:
        header, rows = custom_columns(argument, items)
        return Result(aligned(rows if line.is_on("no-headers") else [header, *rows]))
    raise KubectlError(
        f'error: unable to match a printer suitable for the output format "{output}", '
        "supported here are: custom-columns=,json,jsonpath=,name,wide"
    )


def _as_list(resource: Resource, answers: Sequence[Any], named: bool) -> dict[str, Any]:
    items = answers if named else answers[0]["items"]
    typed = [{"apiVersion": resource.version, "kind": resource.kind, **item} for item in items]
    return {"apiVersion": "v1", "items": typed, "kind": "List", "metadata": {"resourceVersion": ""}}


def _paths(line: CommandLine, resource: Resource, names: Sequence[str]) -> list[str]:
    namespace = None if line.is_on("all-namespaces") else line.namespace
    if names and line.is_on("all-namespaces"):
        raise KubectlError("error: a resource cannot be retrieved by name across all namespaces")
    return [resource.path(namespace, name) for name in names or [""]]


def _selectors(line: CommandLine) -> dict[str, str]:
    names = {"selector": "labelSelector", "field-selector": "fieldSelector"}
    return {parameter: line.options[option] for option, parameter in names.items() if option in line.options}


def _operands(line: CommandLine) -> tuple[Resource, list[str]]:
    """``TYPE [NAME...]`` or ``TYPE/NAME``."""
    if not line.operands:
        raise KubectlError("error: You must specify the type of resource")
    first, rest = line.operands[0], line.operands[1:]
    kind, slash, name = first.partition("/")
    if slash and rest:
        raise KubectlError("error: several TYPE/NAME arguments are not supported here")
    return resource_named(kind), [name] if slash else rest


async def _logs(line: CommandLine, api: KubernetesAPI) -> Result:
    if len(line.operands) != 1:
        raise KubectlError("error: expected 'logs POD_NAME' with the options -n, -c, --tail and --previous")
    kind, slash, name = line.operands[0].rpartition("/")
    if slash and resource_named(kind).plural != "pods":
        raise KubectlError(f"error: logs of {kind} are not supported here, only those of a pod")
    parameters = {}
    if "tail" in line.options and line.number("tail") >= 0:
        parameters["tailLines"] = str(line.number("tail"))
    if "container" in line.options:
        parameters["container"] = line.options["container"]
    if line.is_on("previous"):
        parameters["previous"] = "true"
    pod = resource_named("pods").path(line.namespace, name)
    try:
        return Result(await api.text(f"{pod}/log", parameters))
    except NotFoundError as error:
        raise KubectlError(
            f'error: error from server (NotFound): {error.message} in namespace "{line.namespace}"'
        ) from None


async def _delete(line: CommandLine, api: KubernetesAPI) -> Result:
    resource, names = _operands(line)
    if resource.plural not in _DELETABLE:
        raise KubectlError(f"error: deleting {resource.plural} is not supported here, only {' and '.join(_DELETABLE)}")
    if not names:
        raise KubectlError("error: resource(s) were provided, but no name was specified")
    options: dict[str, Any] = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"}
    if "grace-period" in line.options and line.number("grace-period") >= 0:
        options["gracePeriodSeconds"] = line.number("grace-period")
    text = ""
    for name in names:
        path = resource.path(line.namespace, name)
        try:
            uid = (await api.get(path))["metadata"]["uid"]
            await api.delete(path, options)
        except NotFoundError:
            if not line.is_on("ignore-not-found"):
                raise
            continue
        if line.is_on("wait", otherwise=True):
            await _wait_until_gone(api, path, uid)
        text += f'{resource.shown} "{name}" deleted from {line.namespace} namespace\n'
    return Result(text)


async def _wait_until_gone(api: KubernetesAPI, path: str, uid: str) -> None:
    """A StatefulSet brings a pod back under its name, hence the uid."""
    try:
        async with asyncio.timeout(_DELETION_LIMIT_S):
            while (await api.get(path))["metadata"]["uid"] == uid:
                await asyncio.sleep(_DELETION_POLL_S)
    except NotFoundError:
        return
    except TimeoutError:
        raise KubectlError(f"error: timed out waiting for the condition on {path.rpartition('/')[2]}") from None


async def _scale(line: CommandLine, api: KubernetesAPI) -> Result:
    resource, names = _operands(line)
    if resource.plural not in _SCALABLE:
        raise KubectlError(f"error: scaling {resource.plural} is not supported here, only {' and '.join(_SCALABLE)}")
    if "replicas" not in line.options or not names:
        raise KubectlError("error: scale needs TYPE NAME and --replicas=COUNT")
    replicas = line.number("replicas")
    if replicas < 0:
        raise KubectlError("error: The --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0")
    for name in names:
        try:
            await api.merge(f"{resource.path(line.namespace, name)}/scale", {"spec": {"replicas": replicas}})
        except NotFoundError as error:
            raise KubectlError(f"error: no objects passed to scale {error.message}") from None
    return Result("".join(f"{resource.shown}/{name} scaled\n" for name in names))


_VERBS = {"version": _version, "get": _get, "logs": _logs, "delete": _delete, "scale": _scale}
