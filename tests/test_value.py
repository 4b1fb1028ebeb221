"""A value is what a frozen dataclass with slots is."""

import pickle
from dataclasses import dataclass, replace

import pytest

from hugeresv.scenario.operation import Mlock, Mprotect, Mremap, Munlock, Place, Touch


@dataclass(frozen=True, slots=True)
class Plain:
    """The same fields as `Touch` has."""

    proc: str
    map: str
    access: str
    page: int | None = None


def test_equal_are_values_of_one_class_with_equal_fields() -> None:
    """Values are equal, and have equal hashes, where class and fields are.

    Catches: equality by identity, of different operations on the same range, or of some fields alone.
    """
    assert Touch("p", "a", "read", 1) == Touch("p", "a", "read", page=1)
    assert Touch("p", "a", "read", 1) != Touch("p", "a", "read", 2)
    assert len({Touch("p", "a", "read"), Touch("p", "a", "read"), Touch("p", "a", "write")}) == 2
    assert len({Munlock("p", "a", pages=1), Mlock("p", "a", pages=1)}) == 2


def test_it_is_shown_copied_and_stored_as_a_dataclass_is() -> None:
    """`repr`, `replace` and pickle treat a value as a frozen dataclass.

    Catches: another text, a copy with a field lost, and what cannot be sent to another process.
    """
    assert repr(Touch("p", "a", "read")) == repr(Plain("p", "a", "read")).replace("Plain", "Touch")
    moved = Mremap("p", "a", pages=1, over=Place("b", 2))
    assert replace(moved, pages=3) == Mremap("p", "a", pages=3, over=Place("b", 2))
    assert pickle.loads(pickle.dumps(moved)) == moved  # noqa: S301  our own


def test_it_has_its_fields_and_no_others() -> None:
    """A value takes the fields of its class and has no `__dict__`.

    Catches: a misspelt field that is set and never read; a base class that brings a dict.
    """
    assert not hasattr(Mprotect("p", "a", prot="r"), "__dict__")
    with pytest.raises(TypeError):
        Touch("p", "a", "read", pge=1)  # type: ignore[call-arg]
