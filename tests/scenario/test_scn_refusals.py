"""What is wrong in a `.scn` file is refused, with its line and what was expected; nothing is dropped or guessed."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hugeresv.errors import InputError
from hugeresv.scenario.json_format import parse_json
from hugeresv.scenario.scn_format import format_scn, parse_scn
from tests.strategies import raw_scenarios

WRAPPED = "expected a signed number, found 18446744073709551615: write -1"
LINES = {
    "unknown operation": ("db munmpa a 5", "unknown operation 'munmpa'; did you mean 'munmap'?"),
    "operation without process, misspelt": ("memfdd f", "unknown operation 'memfdd'; did you mean 'memfd'?"),
    "process forgotten": ("munmap a 5", "'munmap' needs a process before it\n  write: PROC munmap MAP PAGE"),
    "process too much": ("db memfd f", "'memfd' belongs to no process; write it without db"),
    "nothing but a process": ("db", "expected an operation after the process db"),
    "nothing but an answer": ("-> ok", "expected an operation, found only what it must answer"),
    "argument missing": ("db mmap a 10", "missing 'type'\n  write: PROC mmap MAP PAGES private|shared"),
    "length missing": ("db munmap a", "missing 'pages' or 'length_bytes'\n  write: PROC munmap MAP PAGE|START+LENGTH"),
    "word misspelt": ("db mmap a 10 privat", "unexpected privat; did you mean 'private'?"),
    "flag misspelt": ("db mmap a 10 private noresrve", "unexpected noresrve; did you mean 'noreserve'?"),
    "option misspelt": ("db mmap a 10 private flie=f", "unexpected flie=f; did you mean 'file'?"),
    "option twice": ("db mmap a 10 private file=f file=g", "'file' is given twice"),
    "length twice": ("db mmap a 10 20 private", "'pages' is given twice"),
    "flag with a value": ("db mmap a 10 private populate=1", "key 'populate': write 'populate' for true"),
    "number": ("db mmap a ten private", "unexpected ten"),
    "unit": ("db mmap a 10X private", "expected a number of pages, or bytes with a unit such as 4K or 5000B, found"),
    "bytes where pages are meant": ("db ftruncate f 4K", "expected a whole number, found 4K"),
    "range of bytes without length": ("db munmap a 4K", "a range in bytes is written START+LENGTH, found 4K"),
    "range of another language": ("db touch a 0..5", "expected a page such as 4, or a run of pages such as 0+100"),
    "no touch at all": ("db touch a 5+0", "expected from 1 to 1000000 pages on one line, found 5+0"),
    "too many touches": ("db touch a 0+9000000000", "expected from 1 to 1000000 pages on one line"),
    "name that needs quotes": ("db mmap a@5 10 private", "expected a name, found a@5; a name of other characters is"),
    "comment sign in a name": ("db mmap a#5 10 private", "expected a name, found a#5"),
    "open quote": ('db mmap "a 10 private', "the quote at column 9 is not closed"),
    "place": ("db mmap a 1 private over=@5", "key 'over': expected MAP@PAGE, found @5"),
    "value missing": ("db mmap a 1 private file=", "key 'file': expected a name, found nothing"),
    "counter misspelt": ("db exit -> fre=3", "key 'expect': unknown key 'fre'"),
    "outcome misspelt": ("db exit -> EINVALD", "key 'expect.outcome': unknown word 'EINVALD'; did you mean 'EINVAL'?"),
    "two outcomes": ("db exit -> ok ENOMEM", "'outcome' is given twice"),
    "unsigned": ("db exit -> rsvd=18446744073709551615", f"key 'expect.rsvd': {WRAPPED}"),
    "counter of a cgroup": ("db exit -> web.used=3", "unknown counter 'used' of 'web'; known: usage, rsvd"),
    "kernel without colon": ("db exit | 6.18 rsvd=3", "expected the name of a kernel and a colon, as in '| 6.18:"),
    "kernel twice": ("db exit | 6.18: rsvd=3 | 6.18: free=2", "'6.18' is given twice"),
    "json": ('db exit x-a={"b": }', "not JSON: Expecting value"),
    "reserved operation": ("db uffd_copy a 1", "operation 'uffd_copy' is not implemented"),
    "page size without a unit": ("db mmap a 1 private page_size=2Q", "key 'page_size': expected a quantity such as 2M"),
    "page size in bytes": ("db mmap a 1 private page_size=2000B", "key 'page_size': expected a page size in whole kB"),
    "nodes that are no numbers": ("db mbind a 0 bind nodes=0,x", "key 'nodes': expected a whole number from 0"),
    "a node without surplus": ("db exit -> nodes=2/1", "key 'expect.nodes': expected [total, free, surp], found"),
    "header too late": ("db exit\ncgroup web max=3", "'cgroup' belongs before the first operation"),
}  # fmt: skip


@pytest.mark.parametrize(("line", "complaint"), LINES.values(), ids=LINES)
def test_a_wrong_line_is_named(line: str, complaint: str) -> None:
    """A wrong line is refused with its number and what was expected. Catches: a line that is read as another one."""
    number = 3 + line.count("\n")
    with pytest.raises(InputError) as caught:
        parse_scn(f"pool 2M nr=16\n\n{line}\n", "f.scn")
    assert str(caught.value).startswith(f"f.scn:{number}: {complaint}")


HEADERS = {
    "misspelt": ("# t\npol 2M nr=3", "2: expected 'pool' before the first operation, found pol; did you mean 'pool'?"),
    "no pool": ("\nid x\ndb exit", "3: expected 'pool' before the first operation, found db"),
    "pool option": ("pool 2M nr=3 overcomit=5", "1: unexpected overcomit=5; did you mean 'overcommit'?\n  write: pool"),
    "pool without pages": ("id x\npool 2M", "2: key 'pool': missing 'nr_hugepages' or 'nodes'\n  write: pool SIZE"),
    "pool without size": ("pool", "1: the line ends too early\n  write: pool SIZE"),
    "page size": ("pool 2Q nr=1", "1: expected a quantity such as 2M, 2048kB"),
    "page size in bytes": ("pool 2000B nr=1", "1: expected a page size in whole kB, found 2000B"),
    "the second cgroup": ("pool 2M nr=1\ncgroup a max=1\ncgroup b max=9223372036854775808", "3: key 'cgroups.b.max"),
    "the first cgroup": ("pool 2M nr=1\ncgroup a max=9223372036854775808\ncgroup b max=1", "2: key 'cgroups.a.max"),
    "cgroup twice": ("pool 2M nr=1\ncgroup a max=1\ncgroup a max=2", "3: 'a' is given twice"),
    "pool twice": ("pool 2M nr=1\npool 2M nr=2", "2: key 'pools.page_size_kB': expected a size above 0 that no other"),
    "pool node by node": ("pool 2M nr=1+x", "1: key 'nr': expected a whole number, found x\n  write: pool SIZE nr="),
    "leaks": ("pool 2M nr=1\nleaks 3", "2: expected rsvd=PAGES\n  write: leaks rsvd=PAGES"),
    "source": ("pool 2M nr=1\nsource {'a': 1}", "2: not JSON: Expecting property name enclosed in double quotes"),
    "more than a source": ('pool 2M nr=1\nsource {"a": 1} 5', "2: unexpected 5\n  write: source JSON"),
    "steps as a key": ("pool 2M nr=1\nkey steps []", "2: 'steps' is not given in .scn"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "complaint"), HEADERS.values(), ids=HEADERS)
def test_a_wrong_header_is_named(text: str, complaint: str) -> None:
    """A wrong header is refused with its line and what was expected.

    Catches: a header that is taken for an operation.
    """
    with pytest.raises(InputError) as caught:
        parse_scn(f"{text}\n", "f.scn")
    assert str(caught.value).startswith(f"f.scn:{complaint}")


@given(raw_scenarios(), st.data())
def test_any_text_is_read_or_refused(raw: dict[str, Any], data: st.DataObject) -> None:
    """Any text is read as a scenario or refused with an InputError.

    Catches: a traceback on a file that somebody is just writing: a word missing, doubled, or in a wrong place.
    """
    words = format_scn(parse_json(json.dumps(raw), "f.json")).split(" ")
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(words) - 1))
        words[at] = data.draw(
            st.sampled_from(["", "\n", "->", "|", '"', "=", "{", "x-a={", "+", "@", "a=", "9" * 5000, *words])
        )
    try:
        read = parse_scn(" ".join(words), "f.scn")
    except InputError:
        return
    assert parse_scn(format_scn(read), "again.scn") == read


def test_a_line_has_so_many_pages_in_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pages of a line have a limit, however they are written. Catches: a limit of each word of it."""
    monkeypatch.setattr("hugeresv.scenario.scn_operation.MOST_TOUCHES", 10)
    assert len(parse_scn("pool 2M nr=1\ndb touch a 0+4 20+6\n", "f.scn").steps) == 10
    with pytest.raises(InputError, match=r"f\.scn:2: expected from 1 to 10 pages on one line"):
        parse_scn("pool 2M nr=1\ndb touch a 0+5 20+6\n", "f.scn")


def test_comments_at_the_end_belong_to_the_last_step() -> None:
    """They are added to what its own line says. Catches: the last of several comments in place of all."""
    text = "pool 2M nr=1\ndb mmap a 1 private # its own\n# and one\n# and another\n"
    assert [step.note for step in parse_scn(text, "f.scn").steps] == ["its own\nand one\nand another"]
