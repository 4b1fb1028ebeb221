"""What a step must answer, as `.scn` spells it: `-> SIGBUS free=3 web.usage=4 | 6.18: rsvd=-1`.

Behind the arrow what holds on every kernel, the outcome as a bare word; behind each bar what one kernel answers
instead. A cgroup's or a mount's counters are `NAME.usage`, `NAME.rsvd`, `NAME.numa=2,0` (by node), `NAME.blocks`,
`NAME.bfree`, `NAME.bavail`, those of another pool than the first `1G.free` and `1G.NAME.usage`; `nodes=2/1/0,2/2/0` are
total, free and surplus pages of every node.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import cast

from hugeresv.scenario.fields import Sort, shape
from hugeresv.scenario.format_error import FormatError
from hugeresv.scenario.scenario import Expectation, Json
from hugeresv.scenario.scn_arguments import add, spelling
from hugeresv.scenario.scn_words import (
    read_json,
    read_list,
    read_name,
    read_number,
    read_size_kb,
    split_option,
    split_pool,
    write_name,
    write_size_kb,
)
from hugeresv.scenario.strict_json import dumps

ARROW = "->"
BAR = "|"

_TABLES = {field.key: shape(field.record) for field in shape(Expectation).fields.values() if field.kind is Sort.TABLE}
_POOLS = "pools"
_TABLE_OF = {counter: table for table, known in _TABLES.items() if table != _POOLS for counter in known.fields}
_CGROUPS = "cgroups"


def read_expectations(words: Sequence[str]) -> dict[str, Json]:
    """`expect` and `expect_on` from the words that begin with an arrow or a bar."""
    raw: dict[str, Json] = {}
    if words and words[0] == ARROW:
        end = words.index(BAR) if BAR in words else len(words)
        raw["expect"] = read_counters(words[1:end])
        words = words[end:]
    if words:
        raw["expect_on"] = read_by_kernel(words[1:])
    return raw


def write_expectations(raw: dict[str, Json]) -> str:
    """The words that `read_expectations` reads back."""
    words: list[str] = []
    if "expect" in raw:
        words += [ARROW, *write_counters(cast(dict[str, Json], raw["expect"]))]
    if "expect_on" in raw:
        words += [BAR, write_by_kernel(cast(dict[str, Json], raw["expect_on"]))]
    return " ".join(words).rstrip()


def read_by_kernel(words: Sequence[str]) -> dict[str, Json]:
    """`KERNEL: counters | KERNEL: counters`, by kernel; no words at all are no kernels."""
    found: dict[str, Json] = {}
    if not words:
        return found
    for is_bar, clause in groupby(words, lambda word: word == BAR):
        if is_bar:
            continue
        kernel, *counters = clause
        if not kernel.endswith(":"):
            raise FormatError(f"expected the name of a kernel and a colon, as in '{BAR} 6.18: rsvd=2', found {kernel}")
        add(found, {read_name(kernel[:-1]): read_counters(counters)})
    return found


def write_by_kernel(by_kernel: dict[str, Json]) -> str:
    """The words that `read_by_kernel` reads back."""
    return f" {BAR} ".join(
        " ".join([f"{write_name(kernel)}:", *write_counters(cast(dict[str, Json], counters))])
        for kernel, counters in by_kernel.items()
    )


def read_counters(words: Iterable[str]) -> dict[str, Json]:
    """An `expect` object from an outcome and `key=value` words."""
    raw: dict[str, Json] = {}
    for word in words:
        key, text = split_option(word)
        if key is None:
            add(raw, {"outcome": word})
        elif key in _TABLES:
            add(raw, {key: read_json(text)})
        elif key == spelling("page_size_kB"):
            add(raw, {"page_size_kB": read_size_kb(text)})
        elif "." in key:
            name, _, counter = key.rpartition(".")
            _add_to_table(raw, name, counter, text)
        else:
            add(raw, {key: _read_value(key, text)})
    return raw


def write_counters(raw: dict[str, Json]) -> Iterator[str]:
    """The words that `read_counters` reads back."""
    for key, value in raw.items():
        if key == "outcome":
            yield str(value)
        elif key == "page_size_kB":
            yield f"{spelling(key)}={write_size_kb(value)}"
        elif not isinstance(value, dict):
            yield f"{key}={_write_value(value)}"
        elif _has_only_counters(value) and (key != _POOLS or all(map(_is_size_kb, value))):
            for name, counters in value.items():
                written = write_size_kb(int(name)) if key == _POOLS else _write_name(name)
                yield from (f"{written}.{word}" for word in write_counters(cast(dict[str, Json], counters)))
        else:
            yield f"{key}={dumps(value)}"


def _add_to_table(raw: dict[str, Json], written: str, counter: str, text: str) -> None:
    """A counter of a cgroup, of a mount, of another pool, or of a cgroup in that pool."""
    size, name = split_pool(f"{written}.")
    if size is not None and name:
        pools = cast(dict[str, Json], raw.setdefault(_POOLS, {}))
        _add_to_table(cast(dict[str, Json], pools.setdefault(size, {})), name.removesuffix("."), counter, text)
        return
    if size is not None:
        name, key = size, _POOLS
    elif counter in _TABLE_OF:
        name, key = read_name(written), _TABLE_OF[counter]
    else:
        name = read_name(written)
        raise FormatError(f"unknown counter '{counter}' of '{name}'; known: {', '.join(_TABLE_OF)}")
    table = raw.setdefault(key, {})
    if isinstance(table, dict):
        counters = table.setdefault(name, {})
        if isinstance(counters, dict):
            add(counters, {counter: _read_value(counter, text)})


def _read_value(counter: str, text: str) -> Json:
    """A number; of nodes, their numbers."""
    if counter == "numa":
        return read_list(text)
    if counter != "nodes":
        return read_number(text)
    return [[read_number(number) for number in node.split("/")] for node in text.split(",")] if text else []


def _write_value(value: Json) -> str:
    if not isinstance(value, list):
        return str(value)
    return ",".join("/".join(map(str, node)) if isinstance(node, list) else str(node) for node in value)


def _write_name(name: str) -> str:
    """The name of a cgroup or a mount, in quotes where it would begin with a pool's."""
    return write_name(name) if split_pool(f"{name}.")[0] is None else dumps(name)


def _has_only_counters(table: dict[str, Json]) -> bool:
    """Whether a table, and each in it, has something in every row: only what is there can be spelled one by one."""
    tables = (row for rows in table.values() for row in cast(dict[str, Json], rows).values() if isinstance(row, dict))
    return bool(table) and all(table.values()) and all(map(_has_only_counters, tables))


def _is_size_kb(name: str) -> bool:
    """Whether the name of a pool is its page size in kB, as the kernel writes it."""
    return name.isascii() and name.isdigit() and str(int(name)) == name and name != "0"
