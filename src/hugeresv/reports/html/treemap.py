"""Areas: a rectangle divided among sizes so that each has its share, and none is longer than it must be.

The squarified treemap of Bruls, Huizing and van Wijk (2000): areas are laid in rows along the shorter side for as long
as that makes the longest of the row less long.
"""

from collections.abc import Sequence
from typing import NamedTuple


class Box(NamedTuple):
    """A rectangle, in whatever the page draws with."""

    x: float
    y: float
    width: float
    height: float


def divided(box: Box, sizes: Sequence[float]) -> list[Box]:
    """A part of `box` for each of `sizes`, which are above 0 and descend."""
    boxes: list[Box] = []
    total = sum(sizes)
    at = 0
    while at < len(sizes):
        scale = box.width * box.height / total if total else 0
        end = at + 1
        while end < len(sizes) and _longest(sizes[at : end + 1], box, scale) <= _longest(sizes[at:end], box, scale):
            end += 1
        row = sizes[at:end]
        laid, box = _laid(row, box, scale)
        boxes += laid
        total -= sum(row)
        at = end
    return boxes


def _longest(row: Sequence[float], box: Box, scale: float) -> float:
    """How long the longest area of a row would be, as length by width."""
    side = min(box.width, box.height)
    depth = sum(row) * scale / side if side else 0
    ratios = [(size * scale / depth) / depth if depth else 1 for size in row]
    return max(max(ratio, 1 / ratio) if ratio else 1 for ratio in ratios)


def _laid(row: Sequence[float], box: Box, scale: float) -> tuple[list[Box], Box]:
    """The areas of a row along the shorter side, and what of the box is left."""
    area = sum(row) * scale
    along_height = box.width >= box.height
    side = box.height if along_height else box.width
    depth = area / side if side else 0
    boxes, at = [], 0.0
    for size in row:
        length = size * scale / depth if depth else 0
        if along_height:
            boxes.append(Box(box.x, box.y + at, depth, length))
        else:
            boxes.append(Box(box.x + at, box.y, length, depth))
        at += length
    if along_height:
        return boxes, Box(box.x + depth, box.y, box.width - depth, box.height)
    return boxes, Box(box.x, box.y + depth, box.width, box.height - depth)
