"""The folded source is the same model: put in the place of the original it answers alike, step by step."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hugeresv.model.presets import PRESETS
from hugeresv.rules.source import model_of
from tests.rules.answers import answers

ROOT = Path(__file__).parents[2]
STEPS = 10_000


def answers_of_folded(rules: str, name: str, steps: int, tmp_path: Path) -> list[str]:
    """What the model whose source is that of `rules` answers where it is asked for `name`."""
    tree = tmp_path / "hugeresv"
    shutil.copytree(ROOT / "src" / "hugeresv", tree, ignore=shutil.ignore_patterns("__pycache__"))
    for file, text in model_of(PRESETS[rules]).items():
        (tree / "model" / file).write_text(text)
    command = [sys.executable, "-m", "tests.rules.answers", name, str(steps)]
    environment = os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}", "PYTHONDONTWRITEBYTECODE": "1"}
    ran = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.splitlines()


@pytest.mark.parametrize("name", PRESETS)
def test_folded_functions_answer_as_the_originals(name: str, tmp_path: Path) -> None:
    """The source without switches answers 10,000 random steps as the model does. Catches: a branch folded wrongly."""
    assert answers_of_folded(name, name, STEPS, tmp_path) == list(answers(name, STEPS))


@pytest.mark.parametrize(("name", "wrong"), [("6.18", "7.3"), ("6.12", "6.12.117"), ("2008", "count-in-vma")])
def test_the_rules_of_another_kernel_are_noticed(name: str, wrong: str, tmp_path: Path) -> None:
    """Another kernel's source answers otherwise. Catches: a comparison that would let every source pass."""
    assert answers_of_folded(wrong, name, STEPS, tmp_path) != list(answers(name, STEPS))
