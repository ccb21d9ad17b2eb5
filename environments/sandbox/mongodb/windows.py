"""``$setWindowFields`` with document windows, neighbours and ranks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from environments.sandbox.mongodb import paths
from environments.sandbox.mongodb.errors import FAILED_TO_PARSE, NOT_SUPPORTED, MongoError
from environments.sandbox.mongodb.expressions import Scope, compile_expression, root_scope
from environments.sandbox.mongodb.grouping import compile_accumulator
from environments.sandbox.mongodb.ordering import MISSING, Key, sort_key
from environments.sandbox.mongodb.projection import with_value
from environments.sandbox.mongodb.sorting import check_sort, sort_documents

Output = Callable[[list[Scope], int], Any]
"""(the scopes of one partition in order, position) -> value"""


def compile_windows(operand: Any, variables: Mapping[str, Any]) -> Callable[[Iterable[Any]], Iterable[Any]]:
    """The stage; unknown arguments and windows by range are refused."""
    unknown = set(operand) - {"partitionBy", "sortBy", "output"}
    if unknown or "output" not in operand:
        raise MongoError(
            FAILED_TO_PARSE, f"$setWindowFields: unknown or missing arguments {sorted(unknown) or ['output']}"
        )
    partition_of = compile_expression(operand.get("partitionBy"))
    sort = check_sort(operand.get("sortBy", {}))
    outputs = {paths.split(name): _output(spec, sort) for name, spec in operand["output"].items()}

    def stage(documents: Iterable[Any]) -> Iterable[Any]:
        partitions: dict[Key, list[Scope]] = {}
        for document in documents:
            scope = root_scope(document, variables)
            partitions.setdefault(sort_key(partition_of(scope)), []).append(scope)
        for scopes in partitions.values():
            ordered = sort_documents(scopes, sort, lambda scope: scope["ROOT"])
            for position, scope in enumerate(ordered):
                result = scope["ROOT"]
                for parts, output in outputs.items():
                    value = output(ordered, position)
                    result = with_value(result, parts, None if value is MISSING else value)
                yield result

    return stage


def _output(spec: Mapping[str, Any], sort: Mapping[str, int]) -> Output:
    window = spec.get("window")
    functions = {name: operand for name, operand in spec.items() if name != "window"}
    if len(functions) != 1:
        raise MongoError(FAILED_TO_PARSE, "an output field of $setWindowFields takes exactly one function")
    ((name, operand),) = functions.items()
    if name == "$shift":
        return _shift(operand)
    if name == "$documentNumber":
        return lambda _, position: position + 1
    if name in ("$rank", "$denseRank"):
        return _rank(sort, dense=name == "$denseRank")
    accumulate = compile_accumulator({name: operand})
    if window is None:
        return lambda scopes, _: accumulate(scopes)
    if set(window) != {"documents"}:
        raise MongoError(NOT_SUPPORTED, "windows by range are not supported by this server")
    low, high = window["documents"]
    return lambda scopes, position: accumulate(scopes[_start(low, position) : _end(high, position, len(scopes))])


def _start(limit: Any, position: int) -> int:
    if limit == "unbounded":
        return 0
    return max(0, position + (0 if limit == "current" else int(limit)))


def _end(limit: Any, position: int, length: int) -> int:
    if limit == "unbounded":
        return length
    return max(0, position + (0 if limit == "current" else int(limit)) + 1)


def _shift(operand: Mapping[str, Any]) -> Output:
    source, default, by = compile_expression(operand["output"]), operand.get("default"), int(operand["by"])

    def output(scopes: list[Scope], position: int) -> Any:
        wanted = position + by
        return source(scopes[wanted]) if 0 <= wanted < len(scopes) else default

    return output


def _rank(sort: Mapping[str, int], dense: bool) -> Output:
    (field,) = sort
    parts = paths.split(field)

    def output(scopes: list[Scope], position: int) -> int:
        own = sort_key(paths.get(scopes[position]["ROOT"], parts))
        before = [sort_key(paths.get(scope["ROOT"], parts)) for scope in scopes[:position]]
        lower = [key for key in before if key != own]
        return len(set(lower) if dense else lower) + 1

    return output
