"""JSON as RFC 8259 has it, and nothing that would be lost on the way.

Python's reader takes NaN and Infinity, lets the last of two equal keys win and turns 1e999 into infinity; each of these
is refused here. Text that cannot be shown or encoded (control characters, lone surrogates) is written escaped.
"""

import json
import math
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
    except (FormatError, RecursionError, ValueError) as error:
        raise _refusal(error).at(place) from None
    return value


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
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise FormatError(f"{dumps(twice)} is given twice in one object")
    return found


def _number(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise FormatError(f"number {digits} is out of range")
    return number


def _no_number(name: str) -> NoReturn:
    raise FormatError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_float=_number, parse_constant=_no_number)
