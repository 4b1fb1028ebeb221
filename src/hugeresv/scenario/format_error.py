"""What is wrong in a scenario, said where it is found and placed where the file and the line are known."""

import difflib
from collections.abc import Iterable
from typing import Self

from hugeresv.errors import InputError


class FormatError(Exception):
    """A wrong key or value. The code that knows file and step turns it into an InputError with `at`."""

    def __init__(self, message: str, *keys: str, usage: str = "", error: type[InputError] = InputError) -> None:
        super().__init__(message)
        self.message = message
        self.keys = list(keys)
        self.usage = usage
        self.error = error

    def under(self, key: str) -> Self:
        """The same, seen from one level further out."""
        self.keys.insert(0, key)
        return self

    def at(self, place: str) -> InputError:
        """The error to raise: place, key, what is wrong, and on a second line how to write it."""
        key = f"key '{'.'.join(self.keys)}': " if self.keys else ""
        usage = f"\n  write: {self.usage}" if self.usage else ""
        return self.error(f"{place}: {key}{self.message}{usage}")


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A clause naming the known word nearest to `word`, or nothing when none is near."""
    near = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean '{near[0]}'?" if near else ""
