"""The lines of a `.scn` file before its first operation: `pool 2M nr=16`, `cgroup web max=4`, `leaks 6.18: rsvd=2`."""

from collections.abc import Iterator, Mapping
from typing import cast

from hugeresv.scenario.fields import shape
from hugeresv.scenario.format_error import FormatError
from hugeresv.scenario.scenario import Cgroup, CgroupLimits, Json, Pool
from hugeresv.scenario.scn_arguments import add, read_options, write_options
from hugeresv.scenario.scn_expectation import read_by_kernel, read_counters, write_by_kernel
from hugeresv.scenario.scn_words import Scanner, read_name, read_size_kb, split_pool, write_name, write_size_kb
from hugeresv.scenario.strict_json import dumps

HEADERS = {
    "pool": "pool SIZE nr=PAGES|nr=PAGES+PAGES [overcommit=PAGES]",
    "cgroup": "cgroup NAME [max=PAGES] [rsvd_max=PAGES] [parent=NAME] [SIZE.max=PAGES] [SIZE.rsvd_max=PAGES]",
    "leaks": "leaks rsvd=PAGES, or leaks KERNEL: rsvd=PAGES | KERNEL: rsvd=PAGES",
    "id": "id TEXT",
    "title": 'title "TEXT"',
    "source": "source JSON",
    "key": "key NAME JSON",
}
"""The words that a header line begins with, each with a line to imitate."""


def read_header(header: str, line: Scanner) -> dict[str, Json]:
    """What a header line gives, as a top-level key of JSON; `line` stands after its first word."""
    try:
        raw = _read(header, line)
        if (rest := line.word()) is not None:
            raise FormatError(f"unexpected {rest}")
    except FormatError as wrong:
        wrong.usage = HEADERS[header]
        raise
    return raw


def _read(header: str, line: Scanner) -> dict[str, Json]:
    match header:
        case "source":
            return {"source": line.json()}
        case "key":
            key = read_name(_next(line))
            if key in ("schema", "steps"):
                raise FormatError(f"'{key}' is not given in .scn")
            return {key: line.json()}
        case "id" | "title":
            return {header: read_name(_next(line))}
        case "pool":
            size = read_size_kb(_next(line))
            return {"pool": {"page_size_kB": size, **read_options(shape(Pool), line, ["page_size_kB"])}}
        case "cgroup":
            return {"cgroups": {read_name(_next(line)): _read_cgroup(list(line))}}
        case _:
            return {"leaks_rsvd": _read_leaks(list(line))}


def write_headers(raw: Mapping[str, Json]) -> Iterator[str]:
    """The header lines that give every top-level key of `raw` but `schema`, `title` and `steps`."""
    for key in dict.fromkeys(("id", "source", "pool", "pools", *raw)):
        value = raw.get(key)
        if key not in raw or key in ("schema", "title", "steps"):
            continue
        if key == "id":
            yield f"id {write_name(str(value))}"
        elif key == "source":
            yield f"source {dumps(value)}"
        elif key == "pool":
            yield _write_pool(cast(dict[str, Json], value))
        elif key == "pools" and value:
            yield from map(_write_pool, cast(list[dict[str, Json]], value))
        elif key == "cgroups" and value:
            yield from (_write_cgroup(*cgroup) for cgroup in cast(dict[str, dict[str, Json]], value).items())
        elif key == "leaks_rsvd" and isinstance(value, int):
            yield f"leaks rsvd={value}"
        elif key == "leaks_rsvd" and isinstance(value, dict) and value:
            yield f"leaks {write_by_kernel({kernel: {'rsvd': pages} for kernel, pages in value.items()})}"
        else:
            yield f"key {write_name(key)} {dumps(value)}"


def _write_pool(pool: dict[str, Json]) -> str:
    return " ".join(["pool", write_size_kb(pool["page_size_kB"]), *write_options(shape(Pool), pool, ["page_size_kB"])])


def _read_cgroup(words: list[str]) -> dict[str, Json]:
    """Limits and parent; limits of another page size than the first pool's are `1G.max` and so on."""
    by_size: dict[str | None, list[str]] = {None: []}
    for size, word in map(split_pool, words):
        by_size.setdefault(size, []).append(word)
    raw = read_options(shape(Cgroup), by_size.pop(None))
    pools: dict[str, Json] = {str(size): read_options(shape(CgroupLimits), own) for size, own in by_size.items()}
    if pools:
        add(raw, {"pools": pools})
    return raw


def _write_cgroup(name: str, limits: dict[str, Json]) -> str:
    pools = cast(dict[str, dict[str, Json]], limits.get("pools", {}))
    one_by_one = bool(pools) and all(pools.values())
    words = ["cgroup", write_name(name), *write_options(shape(Cgroup), limits, ["pools"] if one_by_one else [])]
    for size, own in pools.items() if one_by_one else ():
        words += [f"{write_size_kb(int(size))}.{word}" for word in write_options(shape(CgroupLimits), own)]
    return " ".join(words)


def _next(line: Scanner) -> str:
    word = line.word()
    if word is None:
        raise FormatError("the line ends too early")
    return word


def _read_leaks(words: list[str]) -> Json:
    if words and words[0].endswith(":"):
        by_kernel = cast(dict[str, dict[str, Json]], read_by_kernel(words))
        return {kernel: _only_rsvd(counters) for kernel, counters in by_kernel.items()}
    return _only_rsvd(read_counters(words))


def _only_rsvd(counters: Mapping[str, Json]) -> Json:
    if counters.keys() != {"rsvd"}:
        raise FormatError("expected rsvd=PAGES")
    return counters["rsvd"]
