"""The mutation operators: replacements for a node of the syntax tree, or for one of its fields.

They change comparisons, numbers, truth values, conditions, `and` and `or`, and operations; they leave out calls and
`raise`, and return None instead of a result. Text is not changed, and calls that only log information are not left out.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

LEFT_OUT = "left out"
_COMPARISONS: dict[type, type] = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
_OPERATIONS: dict[type, type] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult, ast.Pow: ast.Mult, ast.BitOr: ast.BitAnd, ast.BitAnd: ast.BitOr,
}  # fmt: skip
_NEGATES_ITSELF = (ast.Eq, ast.NotEq, ast.Is, ast.IsNot, ast.In, ast.NotIn)


@dataclass
class Edit:
    """Puts ``new`` into a field of ``owner``, or at an index of the field if it is a list."""

    operator: str
    owner: ast.AST
    field: str
    index: int | None
    new: Any

    def swap(self) -> None:
        """Apply the change, or undo it."""
        if self.index is None:
            old = getattr(self.owner, self.field)
            setattr(self.owner, self.field, self.new)
            self.new = old
        else:
            there = getattr(self.owner, self.field)
            there[self.index], self.new = self.new, there[self.index]


def replacing(node: ast.AST, field: str, index: int | None, child: ast.AST) -> Iterator[Edit]:
    """Yield the edits that replace the child."""
    if isinstance(child, ast.UnaryOp) and isinstance(child.op, ast.Not):
        yield Edit("not", node, field, index, child.operand)
    elif field in ("test", "ifs") and isinstance(child, ast.expr) and not _negates_itself(child):
        yield Edit("condition", node, field, index, ast.UnaryOp(ast.Not(), child))
    if _can_be_left_out(child):
        yield Edit(LEFT_OUT, node, field, index, ast.Pass())


def changing(node: ast.AST) -> Iterator[Edit]:
    """Yield the edits that change a field of the node itself."""
    if isinstance(node, ast.Compare):
        for index, operation in enumerate(node.ops):
            yield Edit("comparison", node, "ops", index, _COMPARISONS[type(operation)]())
    elif isinstance(node, ast.BoolOp):
        yield Edit("and, or", node, "op", None, ast.Or() if isinstance(node.op, ast.And) else ast.And())
    elif isinstance(node, ast.BinOp | ast.AugAssign) and type(node.op) in _OPERATIONS:
        yield Edit("operation", node, "op", None, _OPERATIONS[type(node.op)]())
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield Edit("truth", node, "value", None, not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        yield Edit("number", node, "value", None, node.value + 1)
    elif isinstance(node, ast.Return) and node.value is not None and not isinstance(node.value, ast.Constant):
        yield Edit("returned", node, "value", None, ast.Constant(None))


def _negates_itself(test: ast.AST) -> bool:
    """Whether another operator makes the same change as a negation."""
    one = isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], _NEGATES_ITSELF)
    return one or isinstance(test, ast.Constant)


def _can_be_left_out(node: ast.AST) -> bool:
    if isinstance(node, ast.Raise):
        return True
    call = node.value if isinstance(node, ast.Expr) else None
    call = call.value if isinstance(call, ast.Await) else call
    if not isinstance(call, ast.Call):
        return False
    return not (isinstance(call.func, ast.Attribute) and call.func.attr in ("info", "debug"))
