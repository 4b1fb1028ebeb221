"""The order in which `.scn` spells an operation's arguments, which follows from the fields of its class.

The process first where there is one, then the operation, the names it needs, its range or length, its word (`private`,
`read`, `punch`), and whatever is optional by name.
"""

from dataclasses import fields
from functools import cache

from hugeresv.scenario.fields import Field, Shape, Sort, shape
from hugeresv.scenario.operation import OPERATIONS
from hugeresv.scenario.scenario import Json
from hugeresv.scenario.scn_arguments import is_size, options
from hugeresv.value import value

DEFAULT_WORDS: dict[str, Json] = {"access": "write"}
"""The word that is meant where none is written."""


@value()
class Form:
    """The positions of one operation's arguments, as keys of JSON."""

    op: str
    known: Shape
    has_proc: bool
    """Whether a process may come first; it must, but for operations of WITHOUT_PROC."""
    names: tuple[str, ...]
    start: str | None
    length: str | None
    word: Field | None
    by_name: dict[str, Field]

    @property
    def touches(self) -> bool:
        """Whether it is about single pages, of which one line may name several."""
        return self.start is not None and self.length is None

    def usage(self) -> str:
        """The operation as a line to imitate."""
        actor = "[PROC]" if self.op in WITHOUT_PROC else "PROC"
        parts = [*([actor] if self.has_proc else []), self.op, *(name.upper() for name in self.names)]
        if self.length:
            parts.append("PAGE|START+LENGTH" if self.start else self.length.upper())
        elif self.start:
            parts.append("[PAGE...]")
        if self.word:
            choices = "|".join(self.word.words)
            parts.append(f"[{choices}]" if self.word.key in DEFAULT_WORDS else choices)
        return " ".join([*parts, *(self._usage(name, field) for name, field in self.by_name.items())])

    def _usage(self, name: str, field: Field) -> str:
        values = {
            Sort.COUNT: "N",
            Sort.NAME: "NAME",
            Sort.RECORD: "MAP@PAGE",
            Sort.COUNTS: "N,N,...",
            Sort.WORD: "|".join(field.words),
        }
        value = "SIZE" if is_size(field) else values.get(field.kind)
        word = name if field.kind is Sort.FLAG else f"{name}={value}"
        return word if any(field.key in group for group in self.known.needed) else f"[{word}]"


@cache
def form_of(op: str) -> Form:
    """The form of the operation of that name, which there is."""
    operation = OPERATIONS[op]
    known = shape(operation)
    required = [field for field in known.fields.values() if field.required and field.key != "proc"]
    start = "page" if "page" in known.fields else None
    lengths = [field.key for field in required if field.kind is Sort.COUNT and not is_size(field)]
    length = lengths[0] if lengths and start is None else None
    if "pages" in known.fields:
        length = "pages"
    word = next((field for field in required if field.kind is Sort.WORD), None)
    names = tuple(field.key for field in required if field.kind is Sort.NAME)
    positions = {"proc", start, length, *names, *([word.key] if word else [])}
    return Form(
        op=op,
        known=known,
        has_proc="proc" in known.fields,
        names=names,
        start=start,
        length=length,
        word=word,
        by_name=options(known, but=[key for key in positions if key]),
    )


WITHOUT_PROC = tuple(
    op
    for op, operation in OPERATIONS.items()
    if not (proc := {field.name: field for field in fields(operation)}.get("proc")) or proc.default is None
)
"""Operations that need no process: their own name comes first on the line. A few may have one before it."""
