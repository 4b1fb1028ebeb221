"""Damaging files at random: what tests of readers share."""

import os
import random
import re
from collections.abc import Iterator

_NUMBERS = [
    *(b"0", b"-1", b"1", b"-5", b"9" * 30, b"9" * 5000, b"4294967296", b"1000000000000", b"9223372036854775808"),
    *(b"18446744073709551615", b"-9223372036854775808", b"ffffffffffffffff", b"7fffffffffff"),
    *(b"", b"x", b"1.5", b" ", b"1_000", "٣".encode()),
]
_WORDS = [
    *(b"\x00", b"\xff", b"\n", b"\r", b"\x0b", b"\x1b[2J\x1b]0;x\x07", "\u2028\x85\u202e".encode()),
    *(b"\\012", b"\\777", b"\\", b" - ", b":", b" ", b"=", b"(", b")", b'"', b"{", b"<b>&amp;", b"/../../.."),
    *(b"max", b"0-99999999999", b"0-1000000000000000000", b"bind:", b"ht", b" nr"),
    *(b"pagesize=0", b"pagesize=1K", b"pagesize=16E", b"size=0", b"min_size=99999999999999G"),
]


def cases(count: int) -> Iterator[tuple[int, random.Random]]:
    """The numbers of `count` cases, each with the random numbers that make it what it is.

    HUGERESV_FUZZ in the environment multiplies them.
    """
    for number in range(count * int(os.environ.get("HUGERESV_FUZZ", "1"))):
        yield number, random.Random(number)


def mutated(content: bytes, rng: random.Random) -> bytes:
    """The same with something wrong: numbers, words, bytes or lines."""
    for _ in range(rng.choice([1, 1, 1, 2, 4])):
        content = _once(content or b"0\n", rng)
    return content


def _once(content: bytes, rng: random.Random) -> bytes:
    place = rng.randrange(len(content))
    lines = content.split(b"\n")
    line = rng.randrange(len(lines))
    kind = rng.choice(["number", "number", "number", "word", "cut", "line gone", "line twice", "bit"])
    if kind == "number":
        numbers = list(re.finditer(rb"[0-9a-f]+", content))
        if not numbers:
            return content + rng.choice(_NUMBERS)
        found = rng.choice(numbers)
        return content[: found.start()] + rng.choice(_NUMBERS) + content[found.end() :]
    if kind == "word":
        return content[:place] + rng.choice(_WORDS) + content[place:]
    if kind == "cut":
        return content[:place]
    if kind == "bit":
        return content[:place] + bytes([content[place] ^ 1 << rng.randrange(8)]) + content[place + 1 :]
    lines[line : line + 1] = [] if kind == "line gone" else [lines[line]] * 2
    return b"\n".join(lines)
