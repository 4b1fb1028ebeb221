"""JSON as RFC 8259 has it, and nothing that would be lost on the way.

Python's reader takes NaN and Infinity, lets the last of two equal keys win and turns 1e999 into infinity; each of these
is refused here. Text that cannot be shown or encoded (control characters, lone surrogates) is written escaped.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import count
from typing import NoReturn

from hugeresv.errors import InputError
from hugeresv.scenario.format_error import FormatError
from hugeresv.scenario.scenario import Json


def loads(text: str, place: str, first_line: int = 1) -> Json:
    """The one value that `text` holds. Raises InputError, naming place, line and column, when it holds none."""
    try:
        value: Json = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        line = first_line + error.lineno - 1
        raise InputError(f"{place}:{line}:{error.colno}: not JSON: {error.msg}") from None
    except FormatError as refused:
        at, first = _first_refused(text) or (0, refused)
        raise first.at(f"{place}:{first_line + _lines_before(text, at)}") from None
    except (RecursionError, ValueError) as error:
        raise _refusal(error).at(place) from None
    return value


def line_of(text: str, path: Iterable[str | int]) -> int:
    """The line of a JSON text on which what is at a path begins, of keys and positions; as far as the path leads."""
    at = _begin(text, 0)
    for wanted in path:
        found = next((value_at for name, value_at in _entries(text, at) if name == wanted), None)
        if found is None:
            break
        at = found
    return 1 + _lines_before(text, at)


def load_prefix(text: str, start: int) -> tuple[Json, int]:
    """The value that begins at `start`, and where it ends. Raises FormatError when none does."""
    try:
        value, end = _DECODER.raw_decode(text, start)
    except (FormatError, RecursionError, ValueError) as error:
        raise _refusal(error) from None
    return value, end


def dumps(value: Json) -> str:
    """`value` on one line, readable where it can be, escaped to ASCII where it must."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    return text if text.isprintable() else json.dumps(value, allow_nan=False)


def _refusal(error: FormatError | RecursionError | ValueError) -> FormatError:
    """Why a text is not read. A ValueError is wrong JSON, or a number of more digits than Python converts."""
    if isinstance(error, FormatError):
        return error
    if isinstance(error, json.JSONDecodeError):
        return FormatError(f"not JSON: {error.msg}")
    return FormatError(f"not JSON: {'nested too deeply' if isinstance(error, RecursionError) else error}")


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) != len(pairs):
        times = Counter(key for key, _ in pairs)
        raise _twice(next(key for key in times if times[key] > 1))
    return found


def _twice(key: str) -> FormatError:
    return FormatError(f"{dumps(key)} is given twice in one object")


def _number(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise FormatError(f"number {digits} is out of range")
    return number


def _no_number(name: str) -> NoReturn:
    raise FormatError(f"{name} is not JSON")


def _first_refused(text: str) -> tuple[int, FormatError] | None:
    """The first of what is refused here though Python would read it, and where it stands."""
    keys: list[set[str]] = []
    for token in _TOKEN.finditer(text):
        try:
            if token["key"]:
                key = json.loads(token["key"])
                if key in keys[-1]:
                    raise _twice(key)
                keys[-1].add(key)
            elif token[0] == "{":
                keys.append(set())
            elif token[0] == "}":
                keys.pop()
            elif token["float"]:
                _number(token[0])
            elif token["no_number"]:
                _no_number(token[0])
        except FormatError as wrong:
            return token.start(), wrong
    return None


def _entries(text: str, at: int) -> Iterator[tuple[str | int, int]]:
    """The keys or positions of the object or list that begins at `at`, each with where its value begins."""
    is_object = text[at] == "{"
    if not is_object and text[at] != "[":
        return
    at = _begin(text, at + 1)
    for position in count():
        if text[at] in "}]":
            return
        name: str | int = position
        if is_object:
            name, colon = _DECODER.raw_decode(text, at)
            at = _begin(text, _begin(text, colon) + 1)
        yield name, at
        _, end = _DECODER.raw_decode(text, at)
        at = _begin(text, end)
        if text[at] == ",":
            at = _begin(text, at + 1)


def _begin(text: str, at: int) -> int:
    """The next place that is not blank."""
    blanks = _BLANKS.match(text, at)
    return blanks.end() if blanks else at


def _lines_before(text: str, at: int) -> int:
    return text.count("\n", 0, at)


_BLANKS = re.compile(r"[ \t\n\r]*")
_TOKEN = re.compile(
    r"""
    (?P<key> "(?: [^"\\] | \\. )*" ) \s* : | "(?: [^"\\] | \\. )*"
    | [{}]
    | -?[0-9]+ (?P<float> (?: \. [0-9]+ )? (?: [eE] [+-]? [0-9]+ )? ) | (?P<no_number> NaN | -?Infinity )
    """,
    re.VERBOSE,
)
_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_float=_number, parse_constant=_no_number)
