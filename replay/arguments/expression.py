"""Questions about an account that have a yes or a no: ``total > 9200 and seats >= 12``.

    names        a path of bl show -O json, such as seats.billed or access.level, or one of
                 the short ones: total, seats, stage, access, badge, plan
    values       whole numbers (amounts in minor units), 'texts', True, False, None
    operators    == != < <= > >= in, not in, and, or, not, + - *

Python's own words for them; nothing else of Python can be said.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any, Final

from replay.arguments.options import UsageError

SHORT: Final = {
    "total": "period_total.total",
    "seats": "seats.billed",
    "stage": "dunning.stage",
    "access": "access.level",
    "badge": "badge.text",
    "plan": "subscription.plan",
}
_COMPARE: Final[dict[type[ast.cmpop], Callable[[Any, Any], bool]]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda value, many: value in many,
    ast.NotIn: lambda value, many: value not in many,
}
_ARITHMETIC: Final[dict[type[ast.operator], Callable[[int, int], int]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
}
_ORDER: Final = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)

Document = Mapping[str, Any]
Question = Callable[[Document], Any]


class Expression:
    """A question that can be asked of any account.

    Raises:
        UsageError: It is no such question.
    """

    def __init__(self, text: str) -> None:
        try:
            tree = ast.parse(text.strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError):
            raise UsageError(f"{text!r} is no expression such as 'total > 9200'") from None
        self._asks = _question(tree)
        self._names = {each.id for each in ast.walk(tree) if isinstance(each, ast.Name)}

    def unknown(self, account: Document) -> list[str]:
        """Return the names it begins a path with that no account has."""
        roots = {SHORT.get(name, name).split(".")[0] for name in self._names}
        return sorted(roots - set(account))

    def holds(self, account: Document) -> bool:
        """Tell whether it is so; what an account does not have is None.

        Raises:
            UsageError: It compares or counts with what is of another kind there.
        """
        return bool(self._asks(account))


def _question(node: ast.expr) -> Question:
    """Return what *node* asks; all of it is looked at before anything is asked."""
    reader = _READERS.get(type(node))
    if reader is None:
        raise _refused(node)
    return reader(node)


def _refused(node: ast.expr) -> UsageError:
    return UsageError(f"--expr: {ast.unparse(node)!r} cannot be asked here")


def _constant(node: ast.Constant) -> Question:
    value = node.value
    if not (value is None or isinstance(value, int | str)):
        raise _refused(node)
    return lambda _: value


def _path(node: ast.Name | ast.Attribute) -> Question:
    written = ast.unparse(node)
    names = SHORT.get(written, written).split(".")
    if not all(name.isidentifier() for name in names):
        raise _refused(node)

    def found(account: Document) -> Any:  # noqa: ANN401, any JSON
        value: Any = account
        for name in names:
            value = value.get(name) if isinstance(value, Mapping) else None
        return value

    return found


def _unary(node: ast.UnaryOp) -> Question:
    operand = _question(node.operand)
    if isinstance(node.op, ast.Not):
        return lambda account: not operand(account)
    if isinstance(node.op, ast.USub):
        return lambda account: _counted(operator.mul, operand(account), -1)
    raise _refused(node)


def _both(node: ast.BoolOp) -> Question:
    parts = [_question(each) for each in node.values]
    rule = all if isinstance(node.op, ast.And) else any
    return lambda account: rule(part(account) for part in parts)


def _arithmetic(node: ast.BinOp) -> Question:
    how = _ARITHMETIC.get(type(node.op))
    if how is None:
        raise _refused(node)
    left, right = _question(node.left), _question(node.right)
    return lambda account: _counted(how, left(account), right(account))


def _compared(node: ast.Compare) -> Question:
    if any(type(op) not in _COMPARE for op in node.ops):
        raise _refused(node)
    sides = [_question(each) for each in (node.left, *node.comparators)]

    def asked(account: Document) -> bool:
        values = [side(account) for side in sides]
        pairs = zip(node.ops, values, values[1:], strict=False)
        return all(_is_so(op, left, right) for op, left, right in pairs)

    return asked


def _several(node: ast.Tuple | ast.List) -> Question:
    values = [_question(each) for each in node.elts]
    return lambda account: [value(account) for value in values]


def _is_so(op: ast.cmpop, left: Any, right: Any) -> bool:  # noqa: ANN401, any JSON
    if isinstance(op, _ORDER) and (left is None or right is None):
        return False
    try:
        return _COMPARE[type(op)](left, right)
    except TypeError:
        raise UsageError(f"--expr: {left!r} and {right!r} cannot be compared") from None


def _counted(how: Callable[[int, int], int], left: Any, right: Any) -> int | None:  # noqa: ANN401
    if left is None or right is None:
        return None
    if not (isinstance(left, int) and isinstance(right, int)):
        raise UsageError(f"--expr: {left!r} and {right!r} are not both whole numbers")
    return how(left, right)


_READERS: Final[dict[type[ast.expr], Callable[[Any], Question]]] = {
    ast.Constant: _constant,
    ast.Name: _path,
    ast.Attribute: _path,
    ast.UnaryOp: _unary,
    ast.BoolOp: _both,
    ast.BinOp: _arithmetic,
    ast.Compare: _compared,
    ast.Tuple: _several,
    ast.List: _several,
}
