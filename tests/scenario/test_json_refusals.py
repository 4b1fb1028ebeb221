"""What is wrong in a JSON scenario is refused, with its place and what was expected; nothing is dropped or guessed."""

import json
from typing import Any

import pytest

from hugeresv.errors import InputError, UnsupportedError
from hugeresv.scenario.json_format import parse_json

MMAP = {"step": 1, "op": "mmap", "proc": "p", "map": "a", "pages": 4, "type": "private"}
TOUCH = {"step": 2, "op": "touch", "proc": "p", "map": "a", "page": 0, "access": "write"}


def scenario(**changes: Any) -> str:
    raw: dict[str, Any] = {
        "schema": "hugeresv-scenario/1",
        "pool": {"page_size_kB": 2048, "nr_hugepages": 8},
        "steps": [MMAP, TOUCH],
    }
    return json.dumps({key: value for key, value in {**raw, **changes}.items() if value is not ...})


def touch(**changes: Any) -> str:
    """A scenario whose second step is changed; `...` takes a key away."""
    return scenario(steps=[MMAP, {key: value for key, value in {**TOUCH, **changes}.items() if value is not ...}])


def refusal(text: str) -> str:
    with pytest.raises(InputError) as caught:
        parse_json(text, "f.json")
    return str(caught.value)


COUNT = "expected a whole number from 0 to 2^63-1"
WRAPPED = "expected a signed number, found 18446744073709551615: write -1"
STEPS = {
    "unknown operation": (touch(op="tuch"), "unknown operation 'tuch'; did you mean 'touch'?"),
    "no operation": (touch(op=...), "missing 'op'"),
    "operation of a wrong type": (touch(op=["touch"]), 'expected the name of an operation, found ["touch"]'),
    "unknown key": (touch(pge=1), "unknown key 'pge'; touch takes proc, map, access, page; did you mean 'page'?"),
    "almost an x- key": (touch(xline=1), "unknown key 'xline'"),
    "a key of another operation": (touch(prot="r"), "unknown key 'prot'"),
    "missing argument": (touch(access=...), "missing 'access'"),
    "number as text": (touch(page="1"), f"key 'page': {COUNT}, found \"1\""),
    "fraction": (touch(page=1.0), f"key 'page': {COUNT}, found 1.0"),
    "truth for a number": (touch(page=True), f"key 'page': {COUNT}, found true"),
    "null for nothing": (touch(page=None), f"key 'page': {COUNT}, found null"),
    "negative page": (touch(page=-1), f"key 'page': {COUNT}, found -1"),
    "page out of range": (touch(page=2**63), f"key 'page': {COUNT}, found 9223372036854775808"),
    "unknown word": (touch(access="wirte"), "key 'access': unknown word 'wirte'; did you mean 'write'?"),
    "word of a wrong type": (touch(access=1), "key 'access': expected one of read, write, found 1"),
    "empty name": (touch(map=""), "key 'map': expected a name (text that is not empty), found \"\""),
    "number for truth": (touch(hangs=1), "key 'hangs': expected true or false, found 1"),
    "note that is no text": (touch(note=5), "key 'note': expected text, found 5"),
    "step number": (touch(step=3), "key 'step': expected 2, found 3"),
    "step number that only equals": (touch(step=2.0), "key 'step': expected 2, found 2.0"),
    "step number missing": (touch(step=...), "key 'step': missing; expected 2"),
    "step number of a wrong type": (touch(step="2"), "key 'step': expected 2, found \"2\""),
    "step that is no object": (scenario(steps=[MMAP, "touch"]), 'expected an object, found "touch"'),
    "unknown counter": (touch(expect={"fre": 1}), "key 'expect': unknown key 'fre'"),
    "no outcome at all": (
        touch(expect={"outcome": "good"}),
        "key 'expect.outcome': expected ok, an errno name, SIGBUS, SIGSEGV, HANG, CRASH or NODE_FULL, found \"good\"",
    ),
    "unknown outcome": (
        touch(expect={"outcome": "SIGBUSS"}),
        "key 'expect.outcome': unknown word 'SIGBUSS'; did you mean 'SIGBUS'?",
    ),
    "negative counter": (touch(expect={"free": -1}), "key 'expect.free': expected a whole number from 0"),
    "unsigned rsvd": (touch(expect={"rsvd": 2**64 - 1}), f"key 'expect.rsvd': {WRAPPED}"),
    "deep inside": (
        touch(expect_on={"6.18": {"cgroups": {"web": {"usage": "4"}}}}),
        "key 'expect_on.6.18.cgroups.web.usage': expected a whole number",
    ),
    "nodes that are no list": (touch(expect={"nodes": 4}), "key 'expect.nodes': expected a list, found 4"),
    "a node without surplus": (
        touch(expect={"nodes": [[1, 2]]}), "key 'expect.nodes': expected [total, free, surp], found [1, 2]"
    ),
    "kernel without a name": (touch(expect_on={"": {}}), "key 'expect_on.': expected a name"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "complaint"), STEPS.values(), ids=STEPS)
def test_a_wrong_step_is_named(text: str, complaint: str) -> None:
    """A wrong step is refused with its line, its number and what was expected. Catches: a step that is half read."""
    assert refusal(text).startswith(f"f.json:1: step 2: {complaint}")


LENGTHS = {
    "missing": ({}, "missing 'pages' or 'length_bytes'"),
    "both": ({"pages": 1, "length_bytes": 4096}, "'pages' and 'length_bytes' are the same amount in pages"),
    "offset twice": ({"pages": 1, "page": 1, "offset_bytes": 0}, "'page' and 'offset_bytes' are the same amount"),
}


@pytest.mark.parametrize(("keys", "complaint"), LENGTHS.values(), ids=LENGTHS)
def test_a_length_is_given_once(keys: dict[str, int], complaint: str) -> None:
    """A range has its length in pages or in bytes, exactly one of them.

    Catches: a missing length read as 0, or one of two lengths ignored.
    """
    munmap = {"step": 1, "op": "munmap", "proc": "p", "map": "a", **keys}
    assert f"f.json:1: step 1: {complaint}" in refusal(scenario(steps=[munmap]))


HEADS = {
    "schema": (scenario(schema="hugeresv-scenario/2"), "key 'schema': expected \"hugeresv-scenario/1\", found"),
    "no schema": (scenario(schema=...), "key 'schema': expected \"hugeresv-scenario/1\", it is missing"),
    "no pool": (scenario(pool=...), "missing 'pool'"),
    "no steps": (scenario(steps=...), "key 'steps': expected a list of steps"),
    "pool without pages": (scenario(pool={"page_size_kB": 2048}), "key 'pool': missing 'nr_hugepages' or 'nodes'"),
    "page size 0": (scenario(pool={"page_size_kB": 0, "nr_hugepages": 1}), "key 'pool.page_size_kB': expected a size"),
    "key in the pool": (scenario(pool={"nr_hugepage": 1}), "key 'pool': unknown key 'nr_hugepage'"),
    "pool of no node": (
        scenario(pool={"page_size_kB": 4, "nodes": []}),
        "key 'pool.nodes': expected a list that is not",
    ),
    "pool of pages and nodes": (
        scenario(pool={"page_size_kB": 4, "nr_hugepages": 1, "nodes": [{"nr": 1}]}),
        "key 'pool': 'nr_hugepages' and 'nodes' both set the size of the pool: give one of them",
    ),
    "pools of one size": (
        scenario(pools=[{"page_size_kB": 2048, "nr_hugepages": 1}]),
        "key 'pools.page_size_kB': expected",
    ),
    "pools on other nodes": (
        scenario(pool={"page_size_kB": 4, "nodes": [{"nr": 1}]}, pools=[{"page_size_kB": 8, "nodes": [{"nr": 1}] * 2}]),
        "key 'pools.nodes': expected 1 node as in the pool before, found 2",
    ),
    "cgroup": (scenario(cgroups={"web": {"max": 4}}), "key 'cgroups.web': unknown key 'max'"),
    "leak": (scenario(leaks_rsvd={"6.18": "2"}), "key 'leaks_rsvd.6.18': expected a whole number"),
    "title": (scenario(title=7), "key 'title': expected text, found 7"),
    "no object": ("[]", "expected an object with the keys of a scenario, found []"),
    "syntax": ('{"schema":\n oops}', "2:2: not JSON: Expecting value"),
    "a key twice": ('{"pool": 1, "pool": 2}', '"pool" is given twice in one object'),
    "not a number": ('{"source": NaN}', "NaN is not JSON"),
    "infinite": ('{"source": 1e999}', "number 1e999 is out of range"),
    "endless digits": ('{"source": ' + "9" * 5000 + "}", "not JSON: Exceeds the limit"),
    "deep": ("[" * 100_000, "not JSON: nested too deeply"),
}


@pytest.mark.parametrize(("text", "complaint"), HEADS.values(), ids=HEADS)
def test_a_wrong_head_is_named(text: str, complaint: str) -> None:
    """What is wrong above the steps is refused with file and key. Catches: a head that is defaulted."""
    message = refusal(text)
    assert message.startswith("f.json:")
    assert complaint in message


@pytest.mark.parametrize("indent", [None, 2])
def test_a_wrong_value_is_placed_on_its_line(indent: int | None) -> None:
    """A wrong value is placed on its own line of the file.

    Catches: the line of the first step, of the step before, or of a value that looks alike.
    """
    decoy = {"note": 'a "brace }\n, "page": "x"', "expect": {"free": 1, "cgroups": {}}}
    steps = [MMAP | decoy, TOUCH | {"step": 2, "page": 7}, TOUCH | {"step": 3, "page": "wrong"}, TOUCH | {"step": 4}]
    text = json.dumps(json.loads(scenario(steps=steps)), indent=indent)
    line = next(number for number, line in enumerate(text.split("\n"), 1) if '"wrong"' in line)
    assert refusal(text).startswith(f"f.json:{line}: step 3: key 'page': ")


def test_a_wrong_head_is_placed_on_its_line() -> None:
    """A wrong key above the steps is placed on its line, a missing one on that of its object.

    Catches: line 1 for whatever is wrong above the steps; a key that is missing placed below its object.
    """
    text = json.dumps(json.loads(scenario(cgroups={"web": {}, "db": {"max_pages": -1}})), indent=1)
    line = next(number for number, line in enumerate(text.split("\n"), 1) if "-1" in line)
    assert refusal(text).startswith(f"f.json:{line}: key 'cgroups.db.max_pages': ")
    assert refusal('{\n"schema": "hugeresv-scenario/1",\n"steps": [],\n"pool": {\n}}').startswith(
        "f.json:4: key 'pool'"
    )


REFUSED = {
    "a key twice": ('{"b": {"a": 1},\n "a": "}", "c": {"a": 2},\n "\\u0061": 1}', '"a" is given twice in one object'),
    "the first of two": ('{"a": 1,\n"b": 1,\n"a": {"c": 1,\n"c": 2}}', '"a" is given twice in one object'),
    "a number too large before what is no JSON": ('{"a": 1.5e3,\n\n"b": 1e999+1}', "number 1e999 is out of range"),
    "a number too large": ('{"a": 1.5e3, "b": 12,\n"c": "1e999",\n"d": -1e999}', "number -1e999 is out of range"),
    "no number": ('{"a": "NaN",\n"b": 1,\n"NaN": NaN}', "NaN is not JSON"),
}


@pytest.mark.parametrize(("text", "complaint"), REFUSED.values(), ids=REFUSED)
def test_what_only_we_refuse_is_placed(text: str, complaint: str) -> None:
    """Each on line 3. Catches: an error of a large file without a line; a string taken for what it looks like."""
    assert refusal(text) == f"f.json:3: {complaint}"


RESERVED = {op: (touch(op=op), op) for op in ("soft_offline", "uffd_register")}


@pytest.mark.parametrize(("text", "name"), RESERVED.values(), ids=RESERVED)
def test_what_is_reserved_is_not_implemented(text: str, name: str) -> None:
    """A reserved key is refused as not implemented.

    Catches: a reserved key called unknown, as if it were a mistake; or kept and ignored, as if it were done.
    """
    with pytest.raises(UnsupportedError, match=f"{name}.*not implemented"):
        parse_json(text, "f.json")


def test_unknown_keys_where_they_are_allowed() -> None:
    """Unknown keys are kept where the format allows them. Catches: a key for somebody else's tools refused, or lost."""
    read = parse_json(scenario(recorded={"on": 1}, source=[], steps=[MMAP | {"x-line": 3}]), "f.json")
    assert read.source == []
    assert read.extra == {"recorded": {"on": 1}}
    assert read.steps[0].extra == {"x-line": 3}


def test_the_first_error_is_reported() -> None:
    """Of several errors the first in the file is reported. Catches: the place of another error than the first."""
    assert "step 1" in refusal(scenario(steps=[{"op": "?"}, {"op": "?"}]))
    assert "nr_hugepages" in refusal(scenario(pool={"page_size_kB": 4}, steps=[{"op": "?"}]))


@pytest.mark.parametrize(
    ("rsvd", "complaint"),
    [
        ((1 << 64) - 1, "expected a signed number, found 18446744073709551615: write -1"),
        (1 << 63, "expected a signed number, found 9223372036854775808: write -9223372036854775808"),
        (1 << 64, "expected a whole number from -2^63 to 2^63-1, found 18446744073709551616"),
        (-(1 << 63) - 1, "expected a whole number from -2^63 to 2^63-1, found -9223372036854775809"),
    ],
)
def test_a_counter_is_a_signed_word(rsvd: int, complaint: str) -> None:
    """What the kernel prints of a negative counter is told with the number to write; what is no word is refused.

    Catches: 2^64 taken for a wrapped 0.
    """
    assert complaint in refusal(touch(expect={"rsvd": rsvd}))
