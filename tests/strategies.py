"""Hypothesis strategies for scenarios: everything that the scenario language can say, as JSON values.

The table of operations below is written out from the description of the format, not derived from the code that reads
it, so that a key which the code lacks or misnames is found.
"""

from typing import Any

from hypothesis import strategies as st

Raw = dict[str, Any]

LARGEST = 2**63 - 1

counts = st.integers(0, 20) | st.integers(0, LARGEST) | st.integers(0, 2**51).map(lambda n: n * 2048)
signed = st.integers(-20, 20) | st.integers(-(2**63), LARGEST)
flags = st.booleans()

plain_names = st.sampled_from(["a", "b", "db", "web", "6.18", "data/huge", "größe", "10", "x-y"])
awkward_names = st.sampled_from([
    "pool", "key", "memfd", "touch", "write", "hangs", "over", "none", "private", "->", "#", "|", "a b", 'a"b', "a\\b",
    "a@5", "a=b", "6.18:", "g.usage", ".", "-", "+1", "5+3", "4K", "x-", "{}", "\n", "\r", "\u2028", "\x00", "\ud800",
    "2M", "1G", "a#b", "ideal,switch=value", " a", "a ", "\u00a0", "e\u0301", "\u200b",
])  # fmt: skip
any_text = st.text(st.characters(), max_size=12)
names = plain_names | awkward_names | any_text.filter(bool)
texts = (
    st.sampled_from(["", " ", "#", "one\ntwo", "\n\n", "one\n\n  indented\n", "tab\t", "-> rsvd=2", "é"])
    | any_text
    | names
)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | any_text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(any_text, inner, max_size=3),
    max_leaves=8,
)

private_or_shared = st.sampled_from(["private", "shared"])
prots = st.sampled_from(["r", "rw", "none"])
advices = st.sampled_from([
    "normal", "willneed", "dontneed", "free", "remove", "dontfork", "dofork", "cold", "pageout",
    "populate_read", "populate_write", "dontneed_locked",
])  # fmt: skip

START = {"page": counts, "offset_bytes": counts}
FILE_OFFSET = {"offset": counts, "offset_bytes": counts}
LENGTH = {"pages": counts, "length_bytes": counts}
NEW_LENGTH = {"new_pages": counts, "new_length_bytes": counts}
places: st.SearchStrategy[Raw] = st.one_of(
    [st.fixed_dictionaries({"map": names, **offset}) for offset in ({}, {"page": counts}, {"bytes": counts})]
)

page_sizes = st.sampled_from([64, 2048, 1 << 20, 3, 1])
modes = st.sampled_from([
    "default", "local", "bind", "preferred", "preferred_many", "interleave", "weighted_interleave",
])  # fmt: skip
node_sets = st.lists(counts, max_size=3)
LIMITS: Raw = {"max_pages": counts, "rsvd_max_pages": counts}
limits = st.fixed_dictionaries({}, optional=LIMITS)
SIZE = {"page_size_kB": page_sizes}

OPERATIONS: dict[str, tuple[Raw, list[Raw], list[Raw], Raw]] = {
    # op: (required, groups of which exactly one is given, groups of which at most one is, optional)
    "mmap": (
        {"proc": names, "map": names, "type": private_or_shared},
        [LENGTH],
        [FILE_OFFSET],
        {"file": names, "noreserve": flags, "populate": flags, "locked": flags, "prot": prots, "over": places,
         "noreplace": flags, "normal": flags, **SIZE},
    ),
    "touch": ({"proc": names, "map": names, "access": st.sampled_from(["read", "write"])}, [], [], {"page": counts}),
    "munmap": ({"proc": names, "map": names}, [LENGTH], [START], {}),
    "mprotect": ({"proc": names, "map": names, "prot": prots}, [LENGTH], [START], {}),
    "madvise": ({"proc": names, "map": names, "advice": advices}, [LENGTH], [START], {}),
    "mlock": ({"proc": names, "map": names}, [LENGTH], [START], {}),
    "mlock2": ({"proc": names, "map": names}, [LENGTH], [START], {"onfault": flags}),
    "munlock": ({"proc": names, "map": names}, [LENGTH], [START], {}),
    "mremap": (
        {"proc": names, "map": names},
        [LENGTH, NEW_LENGTH],
        [START],
        {"move_to": names, "over": places, "maymove": flags, "dontunmap": flags},
    ),
    "fork": ({"proc": names, "child": names}, [], [], {}),
    "exit": ({"proc": names}, [], [], {}),
    "open_file": ({"file": names}, [], [], {"mount": names, **SIZE}),
    "memfd": ({"file": names}, [], [], SIZE),
    "close_file": ({"file": names}, [], [], {}),
    "ftruncate": ({"proc": names, "file": names, "pages": counts}, [], [], {}),
    "fallocate": (
        {"proc": names, "file": names, "mode": st.sampled_from(["alloc", "alloc_keep_size", "punch"])},
        [LENGTH],
        [START],
        {},
    ),
    "fadvise": ({"proc": names, "file": names, "pages": counts}, [], [], {"page": counts}),
    "readahead": ({"proc": names, "file": names, "pages": counts}, [], [], {"page": counts}),
    "shmget": ({"proc": names, "shm": names}, [LENGTH], [], {"noreserve": flags, **SIZE}),
    "shmat": ({"proc": names, "shm": names, "map": names}, [], [], {"readonly": flags}),
    "shmdt": ({"proc": names, "map": names}, [], [], {}),
    "shmrm": ({"shm": names}, [], [], {}),
    "setgid": ({"proc": names, "gid": counts}, [], [], {}),
    "capset": ({"proc": names}, [], [], {}),
    "memlock": ({"proc": names, "pages": counts}, [], [], {}),
    "set_nr_hugepages": ({"n": counts}, [], [], {"proc": names, "node": counts, "mempolicy": flags, **SIZE}),
    "set_nr_overcommit": ({"n": counts}, [], [], SIZE),
    "mount": ({"mount": names}, [], [], {"size_pages": counts, "min_size_pages": counts, **SIZE}),
    "umount": ({"mount": names}, [], [], {}),
    "cgroup_move": ({"proc": names, "cgroup": names}, [], [], {}),
    "cgroup_set": ({"cgroup": names}, [], [], {**LIMITS, **SIZE}),
    "cgroup_rmdir": ({"cgroup": names}, [], [], {}),
    "set_mempolicy": ({"proc": names, "mode": modes}, [], [], {"nodes": node_sets}),
    "mbind": (
        {"proc": names, "map": names, "mode": modes},
        [LENGTH],
        [START],
        {"nodes": node_sets, "move": flags, "move_all": flags, "strict": flags},
    ),
    "set_cpu": ({"proc": names, "node": counts}, [], [], {}),
    "cpuset_set": ({"cgroup": names, "mems": node_sets}, [], [], {}),
    "move_pages": ({"proc": names, "map": names, "node": counts}, [], [], {"page": counts, "all": flags}),
    "migrate_pages": ({"proc": names, "target": names, "from": node_sets, "to": node_sets}, [], [], {}),
    "demote": ({"n": counts}, [], [], {"node": counts, **SIZE}),
    "set_demote_size": ({"demote_size_kB": page_sizes}, [], [], SIZE),
}  # fmt: skip

outcomes = st.sampled_from(["ok", "ENOMEM", "EINVAL", "ENOSPC", "EBUSY", "SIGBUS", "SIGSEGV", "HANG"])
usages = st.fixed_dictionaries({}, optional={"usage": counts, "rsvd": signed, "numa": st.lists(signed, max_size=3)})
fillings = st.fixed_dictionaries({}, optional={"blocks": counts, "bfree": counts, "bavail": counts})
counters: Raw = {
    "total": counts,
    "free": counts,
    "rsvd": signed,
    "surp": counts,
    "nodes": st.lists(st.lists(signed, min_size=3, max_size=3), max_size=3),
}
usage_by_name = st.dictionaries(names, usages, max_size=3)
pool_names = st.sampled_from(["2048", "1048576", "3", "0", "02048", "2M", "٣"]) | names
expectations = st.fixed_dictionaries(
    {},
    optional={
        "outcome": outcomes,
        **counters,
        "page_size_kB": page_sizes,
        "pools": st.dictionaries(
            pool_names, st.fixed_dictionaries({}, optional={**counters, "cgroups": usage_by_name}), max_size=2
        ),
        "cgroups": usage_by_name,
        "statfs": st.dictionaries(names, fillings, max_size=3),
    },
)
x_keys = (plain_names | awkward_names | any_text).map(lambda rest: f"x-{rest}")


@st.composite
def _operations(draw: st.DrawFn, op: str) -> Raw:
    required, exactly_one, at_most_one, optional = OPERATIONS[op]
    raw = draw(st.fixed_dictionaries({"op": st.just(op)} | required, optional=optional))
    for group in exactly_one:
        key = draw(st.sampled_from(sorted(group)))
        raw[key] = draw(group[key])
    for group in at_most_one:
        if key := draw(st.sampled_from(["", *sorted(group)])):
            raw[key] = draw(group[key])
    return raw


operations: st.SearchStrategy[Raw] = st.one_of([_operations(op) for op in OPERATIONS])
"""Every operation with every combination of arguments, as the keys of a step."""


@st.composite
def sayings(draw: st.DrawFn) -> Raw:
    """What a step says besides its operation; often nothing."""
    if draw(st.booleans()):
        return {}
    on_kernels = st.dictionaries(names, expectations, max_size=2)
    said = st.fixed_dictionaries(
        {}, optional={"note": texts, "hangs": flags, "expect": expectations, "expect_on": on_kernels}
    )
    return {**draw(said), **draw(st.dictionaries(x_keys, json_values, max_size=2))}


@st.composite
def steps(draw: st.DrawFn) -> list[Raw]:
    """What one person would write together: one operation, or a touch of several pages in a row."""
    raw = draw(operations)
    together = [raw]
    if raw["op"] == "touch":
        pages = draw(st.lists(counts, max_size=4) | st.integers(0, 5).map(lambda n: list(range(n))))
        together += [raw | {"page": page} for page in pages]
    return [each | draw(sayings()) for each in together]


def _pools(sizes: list[int]) -> st.SearchStrategy[Raw]:
    """A pool whose size is a number, or two, as all scenarios here have as many nodes."""
    given: list[Raw] = [
        {"nr_hugepages": counts},
        {"nodes": st.lists(st.fixed_dictionaries({"nr": counts}), min_size=2, max_size=2)},
    ]
    return st.one_of(
        [
            st.fixed_dictionaries({"page_size_kB": st.sampled_from(sizes), **size}, optional={"nr_overcommit": counts})
            for size in given
        ]
    )


@st.composite
def raw_scenarios(draw: st.DrawFn) -> Raw:
    """A scenario as the JSON object that a program would write: well-formed, not necessarily sensible."""
    taken = ("schema", "id", "title", "source", "pool", "pools", "cgroups", "steps", "leaks_rsvd")
    raw: Raw = draw(
        st.fixed_dictionaries(
            {
                "schema": st.just("hugeresv-scenario/1"),
                "pool": _pools([64, 2048, 1048576, 3]),
            },
            optional={
                "id": texts,
                "title": texts,
                "source": json_values,
                "cgroups": st.dictionaries(
                    names,
                    st.fixed_dictionaries({}, optional={**LIMITS, "parent": names, "pools": st.just({})}),
                    max_size=3,
                ),
                "pools": st.lists(
                    _pools([32, 512, 16384]), min_size=1, max_size=2, unique_by=lambda pool: pool["page_size_kB"]
                ),
                "leaks_rsvd": signed | st.dictionaries(names, signed, max_size=3),
            },
        )
    )
    if "pools" in raw:
        size = str(raw["pools"][0]["page_size_kB"])
        for cgroup in raw.get("cgroups", {}).values():
            cgroup.update(draw(st.fixed_dictionaries({}, optional={"pools": st.just({size: draw(limits)})})))
    raw |= draw(st.dictionaries(any_text.filter(lambda key: key not in taken), json_values, max_size=2))
    groups = draw(st.lists(steps(), max_size=6))
    raw["steps"] = [{"step": number, **step} for number, step in enumerate((s for group in groups for s in group), 1)]
    return raw
