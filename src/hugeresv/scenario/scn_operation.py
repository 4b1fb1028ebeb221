"""One operation in `.scn`, read and written: `db mmap a 10 private noreserve`.

A touch of several pages is several steps: `db touch a 0 4 9`, and `db touch a 0+100` for a run of pages.
"""

from collections.abc import Iterable, Iterator, Sequence

from hugeresv.scenario.decode import unknown_operation
from hugeresv.scenario.fields import Sort, shape
from hugeresv.scenario.format_error import FormatError, did_you_mean
from hugeresv.scenario.operation import OPERATIONS
from hugeresv.scenario.scenario import Json, Step
from hugeresv.scenario.scn_arguments import add, options, read_option, write_option
from hugeresv.scenario.scn_form import DEFAULT_WORDS, WITHOUT_PROC, Form, form_of
from hugeresv.scenario.scn_words import (
    read_json,
    read_name,
    read_number,
    read_quantity,
    split_option,
    write_name,
    write_quantity,
)
from hugeresv.scenario.strict_json import dumps

MOST_TOUCHES = 1_000_000
"""How many pages one line may touch."""

_SHORTEST_RUN = 3
_STEP = shape(Step)
_STEP_BY_NAME = options(_STEP, but=("expect", "expect_on"))


def find_form(words: Sequence[str], others: Iterable[str]) -> tuple[Form, int]:
    """The form of the operation that a line spells, and the position of the operation's name.

    `others` are the words that may begin a line of another kind, for a suggestion.
    """
    if not words:
        raise FormatError("expected an operation, found only what it must answer")
    first = words[0]
    if first in WITHOUT_PROC:
        return form_of(first), 0
    if len(words) > 1 and words[1] in OPERATIONS:
        if words[1] in WITHOUT_PROC and not form_of(words[1]).has_proc:
            raise FormatError(f"'{words[1]}' belongs to no process; write it without {first}")
        return form_of(words[1]), 1
    if first in OPERATIONS:
        raise FormatError(f"'{first}' needs a process before it", usage=form_of(first).usage())
    if did_you_mean(first, beginnings := [*OPERATIONS, *others]):
        raise unknown_operation(first, beginnings)
    if len(words) == 1:
        raise FormatError(f"expected an operation after the process {first}")
    raise unknown_operation(words[1])


def read_operation(form: Form, words: Sequence[str]) -> tuple[dict[str, Json], list[dict[str, Json]]]:
    """What the words after the operation's name give, as keys of a step; and what its steps each have besides.

    That is the page of each touch of several; every other operation is one step, which has nothing besides.
    """
    raw: dict[str, Json] = {}
    touched: list[dict[str, Json]] = []
    names = iter(form.names)
    for word in words:
        key, text = split_option(word) if "=" in word else (None, word)
        if key is not None:
            add(raw, _read_by_name(form, key, text))
        elif (name := next(names, None)) is not None:
            raw[name] = read_name(word)
        elif form.touches and word[0].isdigit():
            touched.extend({"page": page} for page in _read_pages(word, len(touched)))
        else:
            add(raw, _read_bare(form, word))
    if form.word and form.word.key in DEFAULT_WORDS:
        raw.setdefault(form.word.key, DEFAULT_WORDS[form.word.key])
    return raw, touched or [{}]


def write_operation(form: Form, raw: dict[str, Json], touched: Sequence[int]) -> str:
    """The words from the operation's name on; `touched`: the pages of a touch, which may be several steps."""
    words = [form.op, *(write_name(str(raw[name])) for name in form.names)]
    if form.touches:
        words += _write_pages(touched)
    elif form.length:
        words.append(_write_range(form, raw))
    if form.word and raw[form.word.key] != DEFAULT_WORDS.get(form.word.key):
        words.append(str(raw[form.word.key]))
    options = (write_option(form.known, field, raw) for field in form.by_name.values())
    words += [option for option in options if option is not None]
    return " ".join(words)


def write_step_options(raw: dict[str, Json]) -> list[str]:
    """What is said by name about a step: `hangs`, a note that no comment can say, and keys `x-…`."""
    options = (write_option(_STEP, field, raw) for field in _STEP_BY_NAME.values())
    kept = (f"{write_name(key)}={dumps(value)}" for key, value in raw.items() if key.startswith("x-"))
    return [*(option for option in options if option is not None), *kept]


def read_step_option(key: str, text: str) -> dict[str, Json]:
    """What `key=text` says about any step."""
    if key in _STEP_BY_NAME:
        return read_option(_STEP, _STEP_BY_NAME[key], text)
    if (name := read_name(key)).startswith("x-"):
        return {name: read_json(text)}
    raise FormatError(f"unexpected {key}={text}{did_you_mean(key, _STEP_BY_NAME)}")


def _read_by_name(form: Form, key: str, text: str) -> dict[str, Json]:
    if key in form.by_name:
        return read_option(form.known, form.by_name[key], text)
    if key in _STEP_BY_NAME:
        return read_option(_STEP, _STEP_BY_NAME[key], text)
    if (name := read_name(key)).startswith("x-"):
        return {name: read_json(text)}
    raise FormatError(f"unexpected {key}={text}{did_you_mean(key, [*form.by_name, *_STEP_BY_NAME])}")


def _read_bare(form: Form, word: str) -> dict[str, Json]:
    """A range or length, the operation's word, or a flag; which of them, the word itself shows."""
    if form.length and (word[0].isdigit() or word[0] == "+"):
        return _read_range(form, word)
    words = form.word.words if form.word else ()
    if form.word and word in words:
        return {form.word.key: word}
    for named in (form.by_name, _STEP_BY_NAME):
        if word in named and named[word].kind is Sort.FLAG:
            return {named[word].key: True}
    raise FormatError(f"unexpected {word}{did_you_mean(word, [*words, *form.by_name, *_STEP_BY_NAME])}")


def _read_range(form: Form, word: str) -> dict[str, Json]:
    length_key = form.length or ""
    length_bytes = form.known.in_bytes.get(length_key)
    if form.start is None:
        return read_quantity(word, length_key, length_bytes)
    start, plus, length = word.partition("+")
    found = read_quantity(start, form.start, form.known.in_bytes.get(form.start)) if start else {}
    if plus:
        return {**found, **read_quantity(length, length_key, length_bytes)}
    if form.start not in found:
        raise FormatError(f"a range in bytes is written START+LENGTH, found {word}")
    return {**found, length_key: 1}


def _write_range(form: Form, raw: dict[str, Json]) -> str:
    length_key = form.length or ""
    length = write_quantity(raw, length_key, form.known.in_bytes.get(length_key))
    if form.start is None:
        return str(length)
    start = write_quantity(raw, form.start, form.known.in_bytes.get(form.start))
    if form.start in raw and raw.get(length_key) == 1:
        return str(start)
    return f"{start or ''}+{length}"


def _read_pages(word: str, already: int) -> range:
    start, plus, length = word.partition("+")
    first, count = _read_page(start), _read_page(length) if plus else 1
    if not 0 < count <= MOST_TOUCHES - already:
        raise FormatError(f"expected from 1 to {MOST_TOUCHES} pages on one line, found {word}")
    return range(first, first + count)


def _read_page(word: str) -> int:
    page = read_number(word)
    if not isinstance(page, int) or page < 0:
        raise FormatError(f"expected a page such as 4, or a run of pages such as 0+100, found {word or 'nothing'}")
    return page


def _write_pages(pages: Sequence[int]) -> Iterator[str]:
    at = 0
    while at < len(pages):
        end = at + 1
        while end < len(pages) and pages[end] == pages[end - 1] + 1:
            end += 1
        if end - at >= _SHORTEST_RUN:
            yield f"{pages[at]}+{end - at}"
        else:
            yield from map(str, pages[at:end])
        at = end
