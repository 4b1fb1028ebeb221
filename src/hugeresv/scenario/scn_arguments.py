"""Arguments of a `.scn` line that are given by name: `noreserve`, `file=f`, `offset=4K`, `over=a@5`, `max=8`.

The names are the keys of the JSON spelling, shorter where nothing is lost: `max` for `max_pages`, `nr` for
`nr_hugepages`. Lists of nodes are written `0,1`, and a page size as it is elsewhere: `1G`.
"""

from collections.abc import Iterable, Mapping
from typing import cast

from hugeresv.scenario.fields import Field, Shape, Sort
from hugeresv.scenario.format_error import FormatError, did_you_mean
from hugeresv.scenario.scenario import Json
from hugeresv.scenario.scn_words import (
    read_json,
    read_list,
    read_name,
    read_place,
    read_quantity,
    read_size_kb,
    split_option,
    write_list,
    write_name,
    write_place,
    write_quantity,
    write_size_kb,
)
from hugeresv.scenario.strict_json import dumps

_SHORT = {"nr_hugepages": "nr", "nr_overcommit": "overcommit"}
_SIZE = "_size_kB"


def spelling(key: str) -> str:
    """How `.scn` spells a key of JSON."""
    return _SHORT.get(key) or key.removesuffix("_pages").removesuffix("_kB")


def is_size(field: Field) -> bool:
    """Whether it is a page size, which is written with its unit."""
    return field.key.endswith(_SIZE)


def options(known: Shape, but: Iterable[str] = ()) -> dict[str, Field]:
    """The keys that are given by name, by their spelling; one in bytes is spelled as its sibling in pages."""
    left_out = {*but, *known.in_bytes.values(), *known.by_node.values()}
    return {spelling(key): field for key, field in known.fields.items() if key not in left_out}


def read_option(known: Shape, field: Field, text: str) -> dict[str, Json]:
    """What `key=text` gives, as keys of JSON."""
    try:
        return _read_value(known, field, text)
    except FormatError as wrong:
        raise wrong.under(spelling(field.key)) from None


def _read_value(known: Shape, field: Field, text: str) -> dict[str, Json]:
    match field.kind:
        case Sort.FLAG:
            if text != "no":
                raise FormatError(
                    f"write '{field.key}' for true and '{field.key}=no' for false, found {text or 'nothing'}"
                )
            return {field.key: False}
        case Sort.COUNT if is_size(field):
            return {field.key: read_size_kb(text)}
        case Sort.COUNT if field.key in known.by_node and "+" in text:
            parts = text.removesuffix("+").split("+")
            return {known.by_node[field.key]: [read_quantity(part, "nr", None) for part in parts]}
        case Sort.COUNTS:
            return {field.key: read_list(text)}
        case Sort.COUNT:
            return read_quantity(text, field.key, known.in_bytes.get(field.key))
        case Sort.NAME | Sort.TEXT:
            return {field.key: read_name(text)}
        case Sort.RECORD:
            return {field.key: read_place(text)}
        case Sort.TABLE:
            return {field.key: read_json(text)}
        case _:
            return {field.key: text}


def write_option(known: Shape, field: Field, raw: dict[str, Json]) -> str | None:
    """The word that gives `field`, None where `raw` does not have it."""
    name = spelling(field.key)
    if by_node := raw.get(known.by_node.get(field.key, "")):
        parts = [str(node["nr"]) for node in cast(list[dict[str, Json]], by_node)]
        return f"{name}={'+'.join(parts)}{'+' if len(parts) == 1 else ''}"
    if is_size(field):
        return f"{name}={write_size_kb(raw[field.key])}" if field.key in raw else None
    if field.kind is Sort.COUNT:
        quantity = write_quantity(raw, field.key, known.in_bytes.get(field.key))
        return None if quantity is None else f"{name}={quantity}"
    value = raw.get(field.key)
    match field.kind:
        case _ if value is None:
            return None
        case Sort.COUNTS:
            return f"{name}={write_list(cast(list[Json], value))}"
        case Sort.FLAG:
            return name if value else f"{name}=no"
        case Sort.TEXT:
            return f"{name}={dumps(value)}"
        case Sort.RECORD:
            return f"{name}={write_place(cast(dict[str, Json], value))}"
        case Sort.TABLE:
            return f"{name}={dumps(value)}"
        case _:
            return f"{name}={write_name(str(value))}"


def read_options(known: Shape, words: Iterable[str], but: Iterable[str] = ()) -> dict[str, Json]:
    """Keys of JSON from words that are all given by name."""
    found: dict[str, Json] = {}
    named = options(known, but)
    for word in words:
        key, text = split_option(word)
        if key is None or key not in named:
            raise FormatError(f"unexpected {word}{did_you_mean(key or word, named)}")
        add(found, read_option(known, named[key], text))
    return found


def write_options(known: Shape, raw: dict[str, Json], but: Iterable[str] = ()) -> list[str]:
    """The words that `read_options` reads back as `raw`."""
    words = (write_option(known, field, raw) for field in options(known, but).values())
    return [word for word in words if word is not None]


def add(found: dict[str, Json], new: Mapping[str, Json]) -> None:
    """Puts `new` into `found`; nothing may be given twice."""
    for key, value in new.items():
        if key in found:
            raise FormatError(f"'{spelling(key)}' is given twice")
        found[key] = value
