"""The source of one kernel: nothing of a switch is left in it, and what no switch decides is as it was."""

import ast
import subprocess
import sys
from dataclasses import Field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest

from hugeresv.errors import InputError
from hugeresv.model.behaviour import switches
from hugeresv.model.presets import IDEAL, PRESETS
from hugeresv.rules.fold import fold
from hugeresv.rules.source import Sources, difference, find, functions, model_of, modules
from hugeresv.rules.tidy import without_functions, without_idle
from hugeresv.rules.values import PARAMETER, SWITCHES

RUFF = Path(sys.executable).parent / "ruff"
TAKERS = frozenset({"rule", "helper"})


def folded(source: str) -> str:
    """A function under ideal."""
    return fold(source, IDEAL, {}, TAKERS)


def changed(left: str, right: str) -> list[str]:
    """The lines in which two kernels differ, without what a diff says of files."""
    lines = [line for diff in difference(PRESETS[left], PRESETS[right]).values() for line in diff.splitlines()]
    return [line for line in lines if line[:1] in "+-" and line[:3] not in {"+++", "---"}]


@pytest.mark.parametrize("name", PRESETS)
def test_nothing_of_a_switch_is_left(name: str) -> None:
    """No file asks a switch, and none hands a behaviour on. Catches: a condition in a form that is not folded."""
    for file, text in model_of(PRESETS[name]).items():
        nodes = list(ast.walk(ast.parse(text)))
        assert not [node.attr for node in nodes if isinstance(node, ast.Attribute) and node.attr == PARAMETER], file
        assert not [node.id for node in nodes if isinstance(node, ast.Name) and node.id == PARAMETER], file
        assert not [node.arg for node in nodes if isinstance(node, ast.arg) and node.arg == PARAMETER], file
        assert "hugeresv.model.behaviour" not in text, file


@pytest.mark.parametrize("switch", switches(), ids=lambda switch: switch.name)
def test_every_value_of_a_switch_can_be_folded(switch: Field[Any]) -> None:
    """Each value of a switch has a source of its own, on ideal or on 6.18, where another defect leads to its rule.

    Catches: a switch that no function asks.
    """
    default = getattr(IDEAL, switch.name)
    values: list[Any] = list(type(default)) if isinstance(default, StrEnum) else [False, True]
    assert any(
        len({tuple(model_of(replace(base, **{switch.name: value})).values()) for value in values}) == len(values)
        for base in (IDEAL, PRESETS["6.18"])
    )


@pytest.mark.skipif(not RUFF.exists(), reason="needs Ruff")
def test_nothing_idle_is_left(tmp_path: Path) -> None:
    """A linter finds no idle name, no `x = x` and no condition with one answer in any kernel's source.

    Catches: `and False`, a result that nothing reads, and other marks that a switch has been there.
    """
    for name, behaviour in PRESETS.items():
        (tmp_path / name).mkdir()
        for file, text in model_of(behaviour).items():
            (tmp_path / name / file).write_text(text)
    rules = "F541,F632,F811,F821,F841,RUF059,PLW0127,PLR0133,SIM2,RET501,RET502,RET505,PIE790,W391,E303"
    command = [
        str(RUFF),
        "check",
        "--isolated",
        "--no-cache",
        "--preview",
        "--output-format=concise",
        "--select",
        rules,
    ]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, ""), ran.stdout


def test_what_no_kernel_needs_goes() -> None:
    """Functions that a kernel does not call are not in its source, and names that it does not read.

    Catches: 2008 with the code that moves huge pages, which came with 5.16.
    """
    source = "def rule(x):\n    a, b = pair(x)\n    c = x.y\n    d = call(x)\n    return x\n"
    original = source.replace("return x", "return _idle(a, b, c, d)")
    idle = "\n\ndef _idle(*x):\n    return _deeper(x)\n\n\ndef _deeper(x):\n    return x\n"
    folded = without_idle(source + idle, original + idle)
    kept = "def rule(x):\n    pair(x)\n    call(x)\n    return x\n"
    assert without_functions(folded, original + idle, "rule.py", frozenset()) == kept
    known = frozenset({("rule.py", "rule")})
    assert without_functions(f"A = 1\n\n\n{kept}", kept, "rule.py", known) == "A = 1\n"
    caller = "from hugeresv.model.rule import other, rule\n"
    assert without_functions(caller, caller, "caller.py", known) == "from hugeresv.model.rule import other\n"


def test_a_function_without_a_switch_is_as_it_was() -> None:
    """Text, comments and layout stay where no switch decides. Catches: an edit that shifts what follows it."""
    before = {name: text for name, text in modules().items() if not SWITCHES & set(text.replace(".", " ").split())}
    after = model_of(PRESETS["6.18"])
    assert len(before) > 5
    untouched = [name for name, text in before.items() if PARAMETER not in text]
    assert [name for name in untouched if after[name] != before[name]] == []
    kept = "# Where nobody else maps it"
    source = f"def other(vma, behaviour=None):\n    {kept}\n    return vma  # as it is\n"
    assert folded(source) == source


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("    if behaviour.dontneed:\n        a()\n    b()\n", "    a()\n    b()\n"),
        ("    # why\n    if not behaviour.dontneed:\n        a()\n    b()\n", "    b()\n"),
        ("    if behaviour.dontneed:\n        # why\n        return 1\n    b()\n", "    # why\n    return 1\n"),
        ("    if x and not behaviour.dontneed:\n        a()\n    else:\n        b()\n", "    b()\n"),
        ("    if x or (y and behaviour.dontneed):\n        a()\n", "    if x or y:\n        a()\n"),
        ("    if (x or y) and behaviour.dontneed:\n        a()\n", "    if x or y:\n        a()\n"),
        ("    return z and ((x or y) and behaviour.dontneed)\n", "    return z and (x or y)\n"),
        ("    return call() and not behaviour.dontneed\n", "    return call() and False\n"),
        ("    return x if behaviour.dontneed else y\n", "    return x\n"),
        ("    if x:\n        a()\n    elif behaviour.dontneed:\n        b()\n    else:\n        c()\n",
         "    if x:\n        a()\n    else:\n        b()\n"),
        ("    if x:\n        a()\n    elif not behaviour.dontneed:\n        b()\n    else:\n        c()\n",
         "    if x:\n        a()\n    else:\n        c()\n"),
        ("    if x:\n        a()\n    elif not behaviour.dontneed:\n        b()\n    elif y:\n        c()\n",
         "    if x:\n        a()\n    elif y:\n        c()\n"),
        ("    if not behaviour.dontneed:\n        a()\n    elif x:\n        b()\n    else:\n        c()\n",
         "    if x:\n        b()\n    else:\n        c()\n"),
        ("    if x:\n        a()\n    elif not behaviour.dontneed:\n        b()\n    else:\n        # c\n        c()\n",
         "    if x:\n        a()\n    else:\n        # c\n        c()\n"),
        ("    kept = behaviour.dontneed\n    if kept and x:\n        a()\n", "    if x:\n        a()\n"),
        ("    kept = behaviour.dontneed\n    if x:\n        kept = y\n    return kept\n",
         "    kept = True\n    if x:\n        kept = y\n    return kept\n"),
        ("    helper(behaviour, x)\n    helper(behaviour)\n", "    helper(x)\n    helper()\n"),
        ("    if behaviour.zap_restore is ZapRestore.NEVER:\n        a()\n    b()\n", "    b()\n"),
    ],
)  # fmt: skip
def test_what_a_switch_decides_is_folded(source: str, expected: str) -> None:
    """Each form in which a switch is asked, beside what is left of it. Catches: the wrong branch, a lost `else`."""
    assert folded(f"def rule(behaviour, x):\n{source}") == f"def rule(x):\n{expected}"


TWINS = {
    "one.py": "def asks(behaviour):\n    return behaviour.dontneed\n\n\ndef rule(m):\n    return asks(m.behaviour)\n",
    "two.py": (
        "class Twin:\n    def asks(self, x):\n        return x\n\n\n"
        "def asks(behaviour, x):\n    return x and behaviour.dontneed\n\n\n"
        "def rule(m, x):\n    return asks(m.behaviour, x)\n"
    ),
    "user.py": (
        "from hugeresv.model.one import asks as first\nfrom hugeresv.model.two import asks\n\n\n"
        "def rule(m, x):\n    return asks(m.behaviour, x) and first(m.behaviour)\n"
    ),
    "plain.py": "def asks(task):\n    return task\n\n\ndef rule(machine):\n    return asks(machine.behaviour)\n",
}


def test_two_functions_of_one_name_are_two() -> None:
    """A name means the function of its own module, or of the module that it is imported from.

    Catches: the answer of a function that always answers alike, put in the place of a call of its namesake in another
    module; a namesake that takes no behaviour, or a method of that name, folded as if it did.
    """
    model = Sources(TWINS).under(IDEAL)
    assert model["one.py"] == "def rule(m):\n    return True\n"
    assert "def asks(self, x):\n        return x\n" in model["two.py"]
    assert model["two.py"].endswith("def asks(x):\n    return x\n\n\ndef rule(m, x):\n    return asks(x)\n")
    assert model["user.py"].endswith("    return asks(x)\n")
    assert model["plain.py"] == TWINS["plain.py"]
    with pytest.raises(ValueError, match=r"both\.py: the name asks stands for functions of two files"):
        Sources({**TWINS, "both.py": "from hugeresv.model.one import asks\nfrom hugeresv.model.two import asks\n"})


def test_the_patch_of_june_2008_is_four_lines() -> None:
    """The patch replaced a count by a map: two functions differ. Catches: noise in a diff that no rule explains."""
    assert [line.split() for line in changed("count-in-vma", "2008")] == [
        ["-", "return", "consumes", "and", "vma.resv_count", ">", "0"],
        ["+", "return", "consumes"],
        ["-", "vma.resv_count", "=", "pages"],
        ["+", "vma.resv_map", "=", "ResvMap(cgroup)"],
    ]


def test_a_kernel_does_not_differ_from_itself() -> None:
    """No file differs. Catches: a source that depends on more than the switches."""
    assert difference(PRESETS["6.18"], PRESETS["6.18"]) == {}


def test_functions_are_found_by_name() -> None:
    """Functions and methods of the model, each with its whole text. Catches: a last line that is cut off."""
    found = {each.name: each for each in functions(PRESETS["6.18"])}
    restores = found["_restores_reserve"]
    assert restores.file == "zap.py"
    assert restores.text.startswith("def _restores_reserve(machine: Machine, vma: Vma, folio: Folio, *, is_last: bool)")
    assert restores.text.endswith("    return True\n")
    assert found["HState.put_page"].file == "hstate.py"
    assert all(ast.parse(each.text) for each in found.values())


def test_a_function_of_the_kernel_is_found_by_the_docstrings() -> None:
    """A name of the kernel leads to the functions that name it. Catches: a reader who knows the kernel only."""
    assert [each.name for each in find(PRESETS["6.18"], "hugetlb_reserve_pages")] == ["reserve_pages"]
    assert [each.name for each in find(PRESETS["6.18"], "put_page")] == ["HState.put_page"]
    with pytest.raises(InputError, match="the model has no function 'put_pag'; did you mean"):
        find(PRESETS["6.18"], "put_pag")
