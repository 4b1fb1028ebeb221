"""From JSON values to scenarios, strictly: an unknown key, a missing one and a wrong value are each refused by name.

What is refused is raised as `Wrong`, which the reader of a spelling places in its file.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from hugeresv.errors import UnsupportedError
from hugeresv.scenario.fields import Field, Kind, shape
from hugeresv.scenario.operation import OPERATIONS, Operation
from hugeresv.scenario.scenario import Json, Scenario, Step
from hugeresv.scenario.strict_json import dumps
from hugeresv.scenario.wrong import Wrong, did_you_mean

SCHEMA = "hugeresv-scenario/1"

_RESERVED_ARGUMENTS = ("page_size_kB", "node", "mempolicy")
_RESERVED_OPERATIONS = ("mbind", "demote", "soft_offline")
_LIMIT = 1 << 63

Decoder = Callable[[Json], Any]


def decode_scenario(raw: Mapping[str, Json], steps: Iterable[Step]) -> Scenario:
    """A scenario from its top-level keys other than `steps`, and its steps, which are taken last. Unknown keys are kept."""
    if "pools" in raw:
        raise Wrong(
            "several page sizes or nodes are not implemented; 'pool' gives the one", "pools", error=UnsupportedError
        )
    if (schema := raw.get("schema")) != SCHEMA:
        found = f"found {_shown(schema)}" if "schema" in raw else "it is missing"
        raise Wrong(f"expected {dumps(SCHEMA)}, {found}", "schema")
    known = shape(Scenario).fields
    values = _decode_keys(Scenario, {key: value for key, value in raw.items() if key in known})
    if values["pool"].page_size_kB == 0:
        raise Wrong("expected a size above 0, found 0", "pool", "page_size_kB")
    if raw.get("source") is not None:
        values["source"] = raw["source"]
    kept = {key: value for key, value in raw.items() if key not in values and key != "schema"}
    return Scenario(steps=tuple(steps), extra=kept, **values)


def decode_step(raw: Json, number: int) -> Step:
    """Step `number`, counted from 1, of a scenario."""
    if not isinstance(raw, dict):
        raise Wrong(f"expected an object, found {_shown(raw)}")
    if (found := raw.get("step")) != number or type(found) is not int:
        raise Wrong(
            f"expected {number}, found {_shown(found)}" if "step" in raw else f"missing; expected {number}", "step"
        )
    operation = _operation_class(raw)
    arguments: dict[str, Json] = {}
    about: dict[str, Json] = {}
    extra: dict[str, Json] = {}
    takes, said = shape(operation).fields, shape(Step).fields
    for key, value in raw.items():
        if key in takes:
            arguments[key] = value
        elif key in said:
            about[key] = value
        elif key.startswith("x-"):
            extra[key] = value
        elif key not in ("step", "op"):
            raise _unknown_argument(key, operation)
    return Step(operation(**_decode_keys(operation, arguments)), extra=extra, **_decode_keys(Step, about))


def _decode_keys(cls: type, raw: Mapping[str, Json]) -> dict[str, Any]:
    """The arguments that make a `cls`, from keys that are all its own."""
    decoders = _decoders(cls)
    values: dict[str, Any] = {}
    key = ""
    try:
        for key, value in raw.items():
            values[key] = decoders[key](value)
    except Wrong as wrong:
        raise wrong.under(key) from None
    known = shape(cls)
    for group in known.needed:
        if values.keys().isdisjoint(group):
            quoted = [f"'{key}'" for key in group]
            raise Wrong(f"missing {' or '.join(quoted)}")
    for pages, exact in known.exclusive:
        if pages in values and exact in values:
            raise Wrong(f"'{pages}' and '{exact}' say the same in pages and in bytes: give one of them")
    return values


def _decode_record(cls: type, raw: Json) -> Any:
    if not isinstance(raw, dict):
        raise Wrong(f"expected an object, found {_shown(raw)}")
    known = shape(cls).fields
    for key in raw:
        if key not in known:
            raise Wrong(f"unknown key '{key}'{did_you_mean(key, known)}; known: {', '.join(known)}")
    return cls(**_decode_keys(cls, raw))


_known_decoders: dict[type, dict[str, Decoder]] = {}


def _decoders(cls: type) -> dict[str, Decoder]:
    if cls not in _known_decoders:
        _known_decoders[cls] = {key: _decoder(field) for key, field in shape(cls).fields.items()}
    return _known_decoders[cls]


def _decoder(field: Field) -> Decoder:
    match field.kind:
        case Kind.COUNT:
            return _count
        case Kind.SIGNED:
            return _signed
        case Kind.NAME:
            return _name
        case Kind.TEXT:
            return _text
        case Kind.FLAG:
            return _flag
        case Kind.WORD:
            return partial(_word, {str(word): word for word in field.words})
        case Kind.RECORD:
            return partial(_decode_record, field.record)
        case Kind.TABLE:
            return partial(_table, partial(_decode_record, field.record))
        case Kind.BY_KERNEL:
            return _signed_by_kernel


def _count(value: Json) -> int:
    if type(value) is int and 0 <= value < _LIMIT:
        return value
    raise Wrong(f"expected a whole number from 0 to 2^63-1, found {_shown(value)}")


def _signed(value: Json) -> int:
    if type(value) is int and -_LIMIT <= value < _LIMIT:
        return value
    if type(value) is int and _LIMIT <= value < 2 * _LIMIT:
        raise Wrong(f"expected a signed number, found {value}: write {value - 2 * _LIMIT}")
    raise Wrong(f"expected a whole number from -2^63 to 2^63-1, found {_shown(value)}")


def _name(value: Json) -> str:
    if isinstance(value, str) and value:
        return value
    raise Wrong(f"expected a name (text that is not empty), found {_shown(value)}")


def _text(value: Json) -> str:
    if isinstance(value, str):
        return value
    raise Wrong(f"expected text, found {_shown(value)}")


def _flag(value: Json) -> bool:
    if isinstance(value, bool):
        return value
    raise Wrong(f"expected true or false, found {_shown(value)}")


def _word(words: Mapping[str, str], value: Json) -> str:
    if isinstance(value, str) and value in words:
        return words[value]
    near = did_you_mean(value, words) if isinstance(value, str) else ""
    raise Wrong(f"expected one of {', '.join(words)}, found {_shown(value)}{near}")


def _table(decode: Decoder, value: Json) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Wrong(f"expected an object, found {_shown(value)}")
    found: dict[str, Any] = {}
    for name, each in value.items():
        try:
            found[_name(name)] = decode(each)
        except Wrong as wrong:
            raise wrong.under(name) from None
    return found


def _signed_by_kernel(value: Json) -> int | dict[str, int]:
    return _table(_signed, value) if isinstance(value, dict) else _signed(value)


def _operation_class(raw: Mapping[str, Json]) -> type[Operation]:
    op = raw.get("op")
    if isinstance(op, str) and op in OPERATIONS:
        return OPERATIONS[op]
    if "op" not in raw:
        raise Wrong("missing; expected the name of an operation", "op")
    if isinstance(op, str) and (op in _RESERVED_OPERATIONS or op.startswith("uffd_")):
        raise Wrong(f"operation '{op}' is not implemented", "op", error=UnsupportedError)
    raise Wrong(f"unknown operation {_shown(op)}{did_you_mean(str(op), OPERATIONS)}", "op")


def _unknown_argument(key: str, operation: type[Operation]) -> Wrong:
    if key in _RESERVED_ARGUMENTS:
        return Wrong(f"argument '{key}' is not implemented", error=UnsupportedError)
    known = [*shape(operation).fields, *shape(Step).fields]
    return Wrong(
        f"unknown key '{key}'{did_you_mean(key, known)}; {operation.op} takes {', '.join(shape(operation).fields)}"
    )


def _shown(value: Json) -> str:
    text = dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
