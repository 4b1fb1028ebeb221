"""What status tells an operator beside the numbers."""

from typing import NamedTuple


class Finding(NamedTuple):
    """`code` is for programs, `text` for people. `wrong`: the ledger itself is.

    `note`: worth knowing and nothing to mend. `remedy` says what `command` does and costs; without a command it is what
    to do. Both may be empty.
    """

    code: str
    text: str
    wrong: bool = False
    note: bool = False
    remedy: str = ""
    command: str = ""
