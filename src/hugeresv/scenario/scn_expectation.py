"""What a step must answer, as `.scn` spells it: `-> SIGBUS free=3 web.usage=4 | 6.18: rsvd=-1`.

Behind the arrow what holds on every kernel, the outcome as a bare word; behind each bar what one kernel answers
instead. A cgroup's or a mount's counters are `NAME.usage`, `NAME.rsvd`, `NAME.blocks`, `NAME.bfree`, `NAME.bavail`.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import cast

from hugeresv.scenario.fields import Sort, shape
from hugeresv.scenario.format_error import FormatError
from hugeresv.scenario.scenario import Expectation, Json
from hugeresv.scenario.scn_arguments import add
from hugeresv.scenario.scn_words import read_json, read_name, read_number, split_option, write_name
from hugeresv.scenario.strict_json import dumps

ARROW = "->"
BAR = "|"

_TABLES = {field.key: shape(field.record) for field in shape(Expectation).fields.values() if field.kind is Sort.TABLE}
_TABLE_OF = {counter: table for table, known in _TABLES.items() for counter in known.fields}


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
        elif "." in key:
            name, _, counter = key.rpartition(".")
            _add_to_table(raw, read_name(name), counter, text)
        else:
            add(raw, {key: read_number(text)})
    return raw


def write_counters(raw: dict[str, Json]) -> Iterator[str]:
    """The words that `read_counters` reads back."""
    for key, value in raw.items():
        if key == "outcome":
            yield str(value)
        elif not isinstance(value, dict):
            yield f"{key}={value}"
        elif value and all(value.values()):
            for name, counters in value.items():
                for counter, pages in cast(dict[str, Json], counters).items():
                    yield f"{write_name(name)}.{counter}={pages}"
        else:
            yield f"{key}={dumps(value)}"


def _add_to_table(raw: dict[str, Json], name: str, counter: str, text: str) -> None:
    if counter not in _TABLE_OF:
        raise FormatError(f"unknown counter '{counter}' of '{name}'; known: {', '.join(_TABLE_OF)}")
    table = raw.setdefault(_TABLE_OF[counter], {})
    if isinstance(table, dict):
        counters = table.setdefault(name, {})
        if isinstance(counters, dict):
            add(counters, {counter: read_number(text)})
