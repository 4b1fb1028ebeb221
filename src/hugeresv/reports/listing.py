"""A listing: a line for each thing, its columns aligned; numbers are never cut, names are where the screen ends."""

from collections.abc import Container, Sequence

from rich.cells import cell_len, chop_cells, set_cell_size

from hugeresv.reports.printable import one_line
from hugeresv.reports.screen import Screen

_GAP = "  "


def print_listing(
    screen: Screen, titles: Sequence[str], rows: Sequence[Sequence[str]], *, names: Container[str], headings: bool
) -> None:
    """Write `rows` below their `titles`. Columns of `names` give way to what is right of them, the widest first.

    A name that is cut keeps its end, which tells more than its middle: a file's name, how many files it stands for.

    In all other columns what begins with a digit, a sign or ~ is put to the right, and so is the title above it.
    """
    lines = [[one_line(cell) for cell in row] for row in rows]
    shown = [list(titles), *lines] if headings else lines
    widths = [max(cell_len(row[column]) for row in shown) if shown else 0 for column in range(len(titles))]
    giving = [column for column, title in enumerate(titles) if title in names]
    excess = sum(widths) + len(_GAP) * (len(widths) - 1) - screen.width
    while screen.cut and excess > 0 and giving:
        widest = max(giving, key=lambda column: widths[column])
        if widths[widest] <= len(titles[widest]):
            break
        widths[widest] -= 1
        excess -= 1
    if headings:
        right = [any(_is_number(row[column]) for row in lines) for column in range(len(titles))]
        heads = [
            title.rjust(width) if numbers and title not in names else _cell(title, width, name=title in names)
            for title, width, numbers in zip(titles, widths, right, strict=True)
        ]
        screen.line(screen.styled(_GAP.join(heads).rstrip(), bold=True))
    for row in lines:
        cells = [
            _cell(text, width, name=title in names) for text, width, title in zip(row, widths, titles, strict=True)
        ]
        screen.line(_GAP.join(cells))


def _is_number(text: str) -> bool:
    return text[:1] in set("~-0123456789")


def _cell(text: str, width: int, *, name: bool) -> str:
    if not name:
        return " " * (width - cell_len(text)) + text if _is_number(text) else set_cell_size(text, width)
    if cell_len(text) <= width:
        return set_cell_size(text, width)
    tail = (width - 1) * 3 // 4
    head = width - 1 - tail
    begin = chop_cells(text, head)[0] if head else ""
    end = chop_cells(text[::-1], tail)[0][::-1] if tail else ""
    return set_cell_size(f"{begin}+{end}", width)
