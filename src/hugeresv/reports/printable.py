"""Text that strangers chose, made fit for a terminal."""


def printable(text: str) -> str:
    """`text` with whatever would move the cursor or change colours written out as an escape; lines stay lines."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() or each == "\n" else ascii(each)[1:-1] for each in text)


def one_line(text: str) -> str:
    """A text that may be a stranger's, as one line without anything that a terminal would act on."""
    return printable(text).replace("\n", "\\n")
