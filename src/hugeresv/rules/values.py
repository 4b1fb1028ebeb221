"""What an expression of the model comes to once the switches of a behaviour are known.

Only what depends on a switch is known: an ordinary `True` in the source stays what it is.
"""

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from hugeresv.model import behaviour as switches_of
from hugeresv.model.behaviour import Behaviour, switches

Value = bool | StrEnum

SWITCHES = frozenset(switch.name for switch in switches())
ENUMS: dict[str, type[StrEnum]] = {
    name: kind
    for name, kind in vars(switches_of).items()
    if isinstance(kind, type) and issubclass(kind, StrEnum) and kind is not StrEnum
}
PARAMETER = "behaviour"
"""How a function of the model calls the behaviour that it is given, and the machine its own."""


@dataclass(slots=True)
class Known:
    """What is known within one function: the behaviour, functions that always answer alike, and local names."""

    behaviour: Behaviour
    functions: Mapping[str, bool]
    names: dict[str, Value] = field(default_factory=dict)

    def value(self, node: ast.expr) -> Value | None:
        """The value of an expression, or None where it does not follow from the switches."""
        match node:
            case ast.Attribute(value=base, attr=name) if name in SWITCHES and is_behaviour(base):
                value: Value = getattr(self.behaviour, name)
                return value
            case ast.Name(id=name):
                return self.names.get(name)
            case ast.Call(func=ast.Name(id=name)):
                return self.functions.get(name)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                known = self.value(operand)
                return None if known is None else not known
            case ast.Compare(left=left, ops=[ast.Is() | ast.IsNot() as operator], comparators=[right]):
                known, member = self.value(left), _member(right)
                return None if known is None or member is None else (known is member) == isinstance(operator, ast.Is)
            case ast.BoolOp(op=operator, values=operands):
                return self._of_operands(isinstance(operator, ast.Or), operands)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                known = self.value(test)
                return None if known is None else self.value(body if known else orelse)
        return None

    def _of_operands(self, decisive: bool, operands: list[ast.expr]) -> Value | None:
        """`and` and `or`: a known operand decides it where nothing before it does anything but look."""
        values = [self.value(operand) for operand in operands]
        for operand, value in zip(operands, values, strict=True):
            if value is decisive:
                return decisive
            if value is None and does_something(operand):
                return None
        return None if None in values else not decisive


def is_behaviour(node: ast.expr) -> bool:
    """Whether an expression is the behaviour itself: `behaviour`, or `machine.behaviour`."""
    return (isinstance(node, ast.Name) and node.id == PARAMETER) or (
        isinstance(node, ast.Attribute) and node.attr == PARAMETER
    )


def _member(node: ast.expr) -> StrEnum | None:
    """`ZapRestore.NEVER` as the member that it is."""
    match node:
        case ast.Attribute(value=ast.Name(id=kind), attr=name) if kind in ENUMS:
            return ENUMS[kind][name]
    return None


def does_something(node: ast.expr) -> bool:
    """Whether evaluating it may change anything."""
    return any(isinstance(each, ast.Call | ast.NamedExpr) for each in ast.walk(node))
