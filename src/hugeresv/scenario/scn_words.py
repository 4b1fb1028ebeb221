"""The words of a `.scn` line: how they are told apart, and how names, numbers and quantities are spelled.

Words are kept as they were written, quotes included, so that `"pool"` is a name and never the keyword `pool`.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from hugeresv.errors import InputError
from hugeresv.scenario.format_error import FormatError
from hugeresv.scenario.scenario import Json
from hugeresv.scenario.strict_json import dumps, load_prefix
from hugeresv.units import format_bytes, parse_bytes

_STRING = r'"(?:[^"\\]|\\.)*"'
_BLANKS = re.compile(r"\s*")
_TOKEN = re.compile(rf'\s*(?:#(?P<comment>.*)|(?P<word>\||(?:{_STRING}|[^\s"|])+)|$)', re.DOTALL)
_KEY_OF_OBJECT = re.compile(rf'(?:{_STRING}|[^\s"|=])+=(?=[{{\[])')
_OPTION = re.compile(rf'((?:{_STRING}|[^"=])+)=(.*)', re.DOTALL)
_PLACE = re.compile(rf"({_STRING}|[^@]+)(?:@(.+))?", re.DOTALL)
_POOL = re.compile(r"([0-9]+[KMGTPE])\.")
"""What begins so, without quotes, is of the pool of that page size."""

_NOT_PLAIN = re.compile(r'["#|[{]')
"""What makes more of a line than words between blanks."""

_PLAIN = re.compile(r"[\w./][\w./-]*")
_NUMBER = re.compile(r"[0-9]{1,20}")
_SIGNED = re.compile(r"-?[0-9]{1,20}")


class Scanner:
    """Reads one line word by word; a comment ends it and is kept."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self.comment: str | None = None

    def __iter__(self) -> Iterator[str]:
        while (word := self.word()) is not None:
            yield word

    def word(self) -> str | None:
        """The next word, None at the end of the line. `|` is a word of its own; `key=` takes a JSON object with it."""
        token = _TOKEN.match(self._text, self._at)
        if token is None:
            raise FormatError(f"the quote at column {self._skip_blanks() + 1} is not closed")
        self._at = token.end()
        if token["comment"] is not None:
            self.comment = comment_text(token["comment"])
        word: str | None = token["word"]
        if word and ("={" in word or "=[" in word) and (key := _KEY_OF_OBJECT.match(self._text, token.start("word"))):
            self._at = key.end()
            self.json()
            return self._text[token.start("word") : self._at]
        return word

    def json(self) -> Json:
        """The JSON value that comes next, which may contain blanks."""
        value, self._at = load_prefix(self._text, self._skip_blanks())
        return value

    def _skip_blanks(self) -> int:
        blanks = _BLANKS.match(self._text, self._at)
        return blanks.end() if blanks else self._at


def split(text: str) -> tuple[list[str], str | None]:
    """The words of a line, and the comment that ends it."""
    if _NOT_PLAIN.search(text) is None:
        return text.split(), None
    line = Scanner(text)
    return list(line), line.comment


def comment_text(written: str) -> str:
    """What a comment says: without the blank after `#` and without blanks at its end."""
    return written.removeprefix(" ").rstrip()


def as_comment(text: str) -> list[str] | None:
    """`text` as comment lines, or None where comments cannot say exactly that."""
    lines = text.split("\n")
    if any(line != line.rstrip() or not line.isprintable() for line in lines):
        return None
    return [f"# {line}".rstrip() for line in lines]


def split_option(word: str) -> tuple[str | None, str]:
    """Key and value of `key=value`; no key for a bare word."""
    option = _OPTION.fullmatch(word) if "=" in word else None
    return (option[1], option[2]) if option else (None, word)


def split_pool(word: str) -> tuple[str | None, str]:
    """The page size in kB and the rest of `1G.rest`; no size where a word does not begin with one."""
    pool = _POOL.match(word)
    return (None, word) if pool is None else (str(read_size_kb(pool[1])), word[pool.end() :])


def read_json(word: str) -> Json:
    """The JSON value that a whole word is."""
    value, end = load_prefix(word, 0)
    if end != len(word):
        raise FormatError(f"expected one JSON value, found {word}")
    return value


@lru_cache(maxsize=1024)
def read_name(word: str) -> str:
    """A name, or other text: plain, or as a JSON string."""
    if word.startswith('"'):
        return str(read_json(word))
    if _PLAIN.fullmatch(word) is None:
        raise FormatError(
            f"expected a name, found {word or 'nothing'}; a name of other characters is written in double quotes"
        )
    return word


def write_name(name: str, *reserved: str) -> str:
    """A name as a word: quoted where it is not plain, or where it is `reserved` in its position."""
    return name if _PLAIN.fullmatch(name) and name not in reserved else dumps(name)


def read_number(word: str) -> Json:
    """A signed number; anything else as text, which is for the key's own check to refuse."""
    return int(word) if _SIGNED.fullmatch(word) else word


def read_quantity(word: str, key: str, bytes_key: str | None) -> dict[str, Json]:
    """A bare number is `key` in pages; with a unit (`4K`, `5000B`) it is `bytes_key`, where there is one."""
    if _NUMBER.fullmatch(word):
        return {key: int(word)}
    if bytes_key is None:
        raise FormatError(f"expected a whole number, found {word or 'nothing'}")
    try:
        return {bytes_key: parse_bytes(word)}
    except InputError:
        raise FormatError(
            f"expected a number of pages, or bytes with a unit such as 4K or 5000B, found {word or 'nothing'}"
        ) from None


def write_quantity(raw: dict[str, Json], key: str, bytes_key: str | None) -> str | None:
    """The quantity as given, None where it was not."""
    if isinstance(exact := raw.get(bytes_key or ""), int):
        return format_bytes(exact)
    return str(raw[key]) if key in raw else None


def read_list(word: str) -> list[Json]:
    """Numbers between commas; an empty word is no number."""
    return [read_number(each) for each in word.split(",")] if word else []


def write_list(numbers: Sequence[Json]) -> str:
    """A list as `read_list` reads it."""
    return ",".join(map(str, numbers))


def read_size_kb(word: str) -> int:
    """A page size such as 2M, in kB."""
    try:
        size_kb, rest = divmod(parse_bytes(word), 1024)
    except InputError as error:
        raise FormatError(str(error)) from None
    if rest:
        raise FormatError(f"expected a page size in whole kB, found {word}")
    return size_kb


def write_size_kb(size_kb: Json) -> str:
    """A page size as `read_size_kb` reads it."""
    assert isinstance(size_kb, int)
    return format_bytes(size_kb * 1024)


def read_place(word: str) -> dict[str, Json]:
    """`MAP`, `MAP@PAGE` or `MAP@BYTES`."""
    place = _PLACE.fullmatch(word)
    if place is None:
        raise FormatError(f"expected MAP@PAGE, found {word or 'nothing'}")
    offset = {} if place[2] is None else read_quantity(place[2], "page", "bytes")
    return {"map": read_name(place[1]), **offset}


def write_place(raw: dict[str, Json]) -> str:
    """A place in a mapping, as `read_place` reads it."""
    offset = write_quantity(raw, "page", "bytes")
    return write_name(str(raw["map"])) + ("" if offset is None else f"@{offset}")
