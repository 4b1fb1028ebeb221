"""From JSON values to scenarios, strictly: an unknown key, a missing one and a wrong value are each refused by name.

What is refused is raised as `FormatError`, which the reader of a spelling places in its file.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from hugeresv.errors import UnsupportedError
from hugeresv.outcome import SECOND_NAMES, Outcome
from hugeresv.plain import count_of
from hugeresv.scenario.fields import Field, Sort, shape
from hugeresv.scenario.format_error import FormatError, did_you_mean
from hugeresv.scenario.operation import OPERATIONS, Operation
from hugeresv.scenario.scenario import Cgroup, Json, Pool, Scenario, Step, Together
from hugeresv.scenario.strict_json import dumps

SCHEMA = "hugeresv-scenario/1"

_RESERVED_OPERATIONS = ("soft_offline",)
"""Operations that the format has names for and that are not implemented."""

_AN_OUTCOME = "ok, an errno name, SIGBUS, SIGSEGV, HANG, CRASH or NODE_FULL"
_LIMIT = 1 << 63
"""Numbers are the kernel's signed 64-bit ones."""

Decoder = Callable[[Json], Any]


def decode_scenario(raw: Mapping[str, Json], steps: Iterable[Step]) -> Scenario:
    """A scenario from its top-level keys, unknown ones kept, and its steps, which are taken last."""
    if (schema := raw.get("schema")) != SCHEMA:
        found = f"found {shown(schema)}" if "schema" in raw else "it is missing"
        raise FormatError(f"expected {dumps(SCHEMA)}, {found}", "schema")
    known = shape(Scenario).fields
    values = _decode_keys(Scenario, {key: value for key, value in raw.items() if key in known})
    _check_pools(values["pool"], values.get("pools") or ())
    _check_limits(values.get("cgroups") or {}, [str(pool.page_size_kB) for pool in values.get("pools") or ()])
    if raw.get("source") is not None:
        values["source"] = raw["source"]
    kept = {key: value for key, value in raw.items() if key not in values and key != "schema"}
    return Scenario(steps=tuple(steps), extra=kept, **values)


def _check_pools(first: Pool, others: Sequence[Pool]) -> None:
    """Every page size above 0 and once; every pool on as many nodes as the first one that says so."""
    if first.page_size_kB == 0:
        raise FormatError("expected a size above 0, found 0", "pool", "page_size_kB")
    sizes, nodes = {first.page_size_kB}, first.nodes
    for pool in others:
        if pool.page_size_kB == 0 or pool.page_size_kB in sizes:
            raise FormatError(
                f"expected a size above 0 that no other pool has, found {pool.page_size_kB}", "pools", "page_size_kB"
            )
        sizes.add(pool.page_size_kB)
        nodes = nodes or pool.nodes
        if pool.nodes and nodes and len(pool.nodes) != len(nodes):
            raise FormatError(
                f"expected {count_of(len(nodes), 'node')} as in the pool before, found {len(pool.nodes)}",
                "pools",
                "nodes",
            )


def _check_limits(cgroups: Mapping[str, Cgroup], sizes: Sequence[str]) -> None:
    """Limits of other page sizes than the first pool's are of a further pool."""
    for name, cgroup in cgroups.items():
        for size in cgroup.pools or ():
            if size not in sizes:
                known = f"one of {', '.join(sizes)}" if sizes else "none: there is one pool"
                raise FormatError(
                    f"expected the page size in kB of a further pool, {known}, found {size}", "cgroups", name, "pools"
                )


def decode_step(raw: Json, calls: Sequence[Step] = ()) -> Step:
    """One step; its number, which depends on where it stands, is for the reader to check.

    `calls`: those of a block, if they are decoded already.
    """
    if not isinstance(raw, dict):
        raise FormatError(f"expected an object, found {shown(raw)}")
    operation = _operation_class(raw)
    keys = _keys(operation)
    arguments: dict[str, Any] = {}
    about: dict[str, Json] = {}
    key = ""
    try:
        for key, value in raw.items():
            if key == "steps" and calls:
                arguments[key] = tuple(calls)
            elif key in keys.decoders:
                arguments[key] = keys.decoders[key](value)
            elif key not in ("step", "op"):
                about[key] = value
    except FormatError as wrong:
        raise wrong.under(key) from None
    keys.check(arguments)
    made = operation(**keys.attributes(arguments))
    if isinstance(made, Together):
        _check_together(made)
    return Step(made, **_decode_about(about, operation)) if about else Step(made)


def _check_together(block: Together) -> None:
    """Its calls are of different processes, a child that one makes included; what is expected is said of the block."""
    named = (each for step in block.steps for each in (caller_of(step), getattr(step.operation, "child", None)))
    callers = [name for name in named if name is not None]
    for number, step in enumerate(block.steps, 1):
        if isinstance(step.operation, Together):
            raise FormatError("a block of concurrent calls holds single operations, found a block in it", "steps")
        if step.expect is not None or step.expect_on is not None or step.hangs is not None:
            raise FormatError(f"expectations belong to the whole block, found one in call {number}", "steps")
    if twice := next((caller for caller in callers if callers.count(caller) > 1), None):
        raise FormatError(f"concurrent calls are of different processes, found two of '{twice}'", "steps")
    for number, step in enumerate(block.steps, 1):
        if (taken := _taken(step.operation)) and any(_names(later.operation, taken) for later in block.steps[number:]):
            what = f"{step.operation.op} {taken[1]}"
            raise FormatError(f"a call that names '{taken[1]}' has it open already: put it before {what}", "steps")


def _taken(operation: Operation) -> tuple[str, str] | None:
    """What a call takes away from the calls after it: the key and the name of it."""
    key = {"close_file": "file", "umount": "mount", "cgroup_rmdir": "cgroup"}.get(operation.op)
    return None if key is None else (key, getattr(operation, key))


def _names(operation: Operation, thing: tuple[str, str]) -> bool:
    return getattr(operation, thing[0], None) == thing[1]


def caller_of(step: Step) -> str | None:
    """The process that makes a step's call; None where it is none of the scenario's."""
    operation = step.operation
    proc: str | None = None if operation.op in ("cgroup_move", "ftruncate") else getattr(operation, "proc", None)
    return proc


def _decode_about(raw: Mapping[str, Json], operation: type[Operation]) -> dict[str, Any]:
    """What is said about a step beside its operation."""
    said = _keys(Step).decoders
    extra: dict[str, Json] = {}
    for key, value in raw.items():
        if key.startswith("x-"):
            extra[key] = value
        elif key not in said:
            raise _unknown_argument(key, operation)
    return {"extra": extra, **_decode_keys(Step, {key: value for key, value in raw.items() if key in said})}


def _decode_keys(cls: type, raw: Mapping[str, Json]) -> dict[str, Any]:
    """The arguments that make a `cls`, from keys that are all its own."""
    keys = _keys(cls)
    values: dict[str, Any] = {}
    key = ""
    try:
        for key, value in raw.items():
            values[key] = keys.decoders[key](value)
    except FormatError as wrong:
        raise wrong.under(key) from None
    keys.check(values)
    return values


def _decode_record(cls: type, raw: Json) -> Any:
    if not isinstance(raw, dict):
        raise FormatError(f"expected an object, found {shown(raw)}")
    known = shape(cls).fields
    for key in raw:
        if key not in known:
            raise FormatError(f"unknown key '{key}'; known are {', '.join(known)}{did_you_mean(key, known)}")
    return cls(**_decode_keys(cls, raw))


class _Keys:
    """How the keys of a class are decoded, and which must be there."""

    def __init__(self, cls: type) -> None:
        known = shape(cls)
        self.decoders: dict[str, Decoder] = {key: _decoder(field) for key, field in known.fields.items()}
        self._needed = known.needed
        self._in_bytes = known.in_bytes
        self._by_node = known.by_node
        self._renamed = {key: field.attribute for key, field in known.fields.items() if field.attribute != key}
        one_each = not (known.in_bytes or known.by_node)
        self._required = None if not one_each else frozenset(key for group in known.needed for key in group)
        """The keys that suffice, where none may stand for another."""

    def check(self, values: Mapping[str, Any]) -> None:
        """Raises FormatError for a key that is missing, or that is given in pages and in bytes."""
        if self._required is not None and self._required <= values.keys():
            return
        for group in self._needed:
            if values.keys().isdisjoint(group):
                quoted = [f"'{key}'" for key in group]
                raise FormatError(f"missing {' or '.join(quoted)}")
        for pages, exact in self._in_bytes.items():
            if pages in values and exact in values:
                raise FormatError(
                    f"'{pages}' and '{exact}' are the same amount in pages and in bytes: give one of them"
                )
        for pages, by_node in self._by_node.items():
            if pages in values and by_node in values:
                raise FormatError(f"'{pages}' and '{by_node}' both set the size of the pool: give one of them")

    def attributes(self, values: dict[str, Any]) -> dict[str, Any]:
        """The values by the names of their fields, which are the keys but for words of Python."""
        if not self._renamed:
            return values
        return {self._renamed.get(key, key): value for key, value in values.items()}


_known_keys: dict[type, _Keys] = {}


def _keys(cls: type) -> _Keys:
    if cls not in _known_keys:
        _known_keys[cls] = _Keys(cls)
    return _known_keys[cls]


def _decoder(field: Field) -> Decoder:
    match field.kind:
        case Sort.WORD:
            words = {str(word): word for word in field.words}
            if field.words == tuple(Outcome):
                return partial(_word, words | SECOND_NAMES, _AN_OUTCOME)
            return partial(_word, words, f"one of {', '.join(words)}")
        case Sort.RECORD:
            return partial(_decode_record, field.record)
        case Sort.RECORDS:
            return partial(_list, partial(_decode_record, field.record), at_least=1)
        case Sort.ROWS:
            return partial(_list, partial(_row, field.record))
        case Sort.STEPS:
            return partial(_list, decode_step, at_least=2)
        case Sort.NAMES:
            return partial(_list, _name, at_least=1)
        case Sort.TABLE:
            return partial(_table, partial(_decode_record, field.record))
        case _:
            return _PLAIN[field.kind]


def _count(value: Json) -> int:
    if type(value) is int and 0 <= value < _LIMIT:
        return value
    raise FormatError(f"expected a whole number from 0 to 2^63-1, found {shown(value)}")


def _signed(value: Json) -> int:
    if type(value) is int and -_LIMIT <= value < _LIMIT:
        return value
    if type(value) is int and _LIMIT <= value < 2 * _LIMIT:
        raise FormatError(f"expected a signed number, found {value}: write {value - 2 * _LIMIT}")
    raise FormatError(f"expected a whole number from -2^63 to 2^63-1, found {shown(value)}")


def _name(value: Json) -> str:
    if isinstance(value, str) and value:
        return value
    raise FormatError(f"expected a name (text that is not empty), found {shown(value)}")


def _text(value: Json) -> str:
    if isinstance(value, str):
        return value
    raise FormatError(f"expected text, found {shown(value)}")


def _flag(value: Json) -> bool:
    if isinstance(value, bool):
        return value
    raise FormatError(f"expected true or false, found {shown(value)}")


def _word(words: Mapping[str, str], expected: str, value: Json) -> str:
    if isinstance(value, str) and value in words:
        return words[value]
    if isinstance(value, str) and (near := did_you_mean(value, words)):
        raise FormatError(f"unknown word '{value}'{near}")
    raise FormatError(f"expected {expected}, found {shown(value)}")


def _table(decode: Decoder, value: Json) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise FormatError(f"expected an object, found {shown(value)}")
    found: dict[str, Any] = {}
    for name, each in value.items():
        try:
            found[_name(name)] = decode(each)
        except FormatError as wrong:
            raise wrong.under(name) from None
    return found


def _list(decode: Decoder, value: Json, at_least: int = 0) -> tuple[Any, ...]:
    if not isinstance(value, list) or len(value) < at_least:
        expected = ("a list", "a list that is not empty", "a list of two or more")[at_least]
        raise FormatError(f"expected {expected}, found {shown(value)}")
    return tuple(decode(each) for each in value)


def _row(row: Any, value: Json) -> Any:
    fields = row._fields
    if not isinstance(value, list) or len(value) != len(fields):
        raise FormatError(f"expected [{', '.join(fields)}], found {shown(value)}")
    return row(*map(_signed, value))


def _signed_by_kernel(value: Json) -> int | dict[str, int]:
    return _table(_signed, value) if isinstance(value, dict) else _signed(value)


_PLAIN: Mapping[Sort, Decoder] = {
    Sort.COUNT: _count,
    Sort.SIGNED: _signed,
    Sort.NAME: _name,
    Sort.TEXT: _text,
    Sort.FLAG: _flag,
    Sort.COUNTS: partial(_list, _count),
    Sort.SIGNED_LIST: partial(_list, _signed),
    Sort.BY_KERNEL: _signed_by_kernel,
}
"""The decoders of keys whose kind says all about them."""


def unknown_operation(op: str, known: Iterable[str] = OPERATIONS) -> FormatError:
    """What is wrong with an operation of this name, which is none of ours."""
    if op in _RESERVED_OPERATIONS or op.startswith("uffd_"):
        return FormatError(f"operation '{op}' is not implemented", error=UnsupportedError)
    return FormatError(f"unknown operation '{op}'{did_you_mean(op, known)}")


def _operation_class(raw: Mapping[str, Json]) -> type[Operation]:
    op = raw.get("op")
    if not isinstance(op, str):
        raise FormatError(f"expected the name of an operation, found {shown(op)}" if "op" in raw else "missing 'op'")
    if op == Together.op:
        return Together
    if op not in OPERATIONS:
        raise unknown_operation(op)
    return OPERATIONS[op]


def _unknown_argument(key: str, operation: type[Operation]) -> FormatError:
    takes = list(shape(operation).fields)
    near = did_you_mean(key, [*takes, *shape(Step).fields])
    return FormatError(f"unknown key '{key}'; {operation.op} takes {', '.join(takes)}{near}")


def shown(value: Json) -> str:
    """A value as an error message quotes it."""
    text = dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
