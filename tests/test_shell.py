"""Commands that are shown to be pasted."""

import os
import subprocess

import pytest

from hugeresv.shell import quoted

NAMES = [
    b"/mnt/plain",
    b"/mnt/a b",
    b"/mnt/it's $(id) `id` \\n",
    b"/mnt/two\nlines",
    b"/mnt/\x1b[31mred\x07's \\",
    b"/mnt/\xffnot UTF-8",
    "/mnt/\u202eright to left1".encode(),
]


@pytest.mark.parametrize("name", NAMES)
def test_a_pasted_word_is_the_name(name: bytes) -> None:
    r"""What is printed of a quoted word has nothing for the terminal in it, and a shell reads it as the very name.

    Catches: `rm '/mnt/two\nlines'`, an escape for the eye that makes a command remove another file, or none.
    """
    word = quoted(os.fsdecode(name))
    assert word.isprintable()
    assert subprocess.run(["bash", "-c", f"printf %s {word}"], capture_output=True, check=True).stdout == name
