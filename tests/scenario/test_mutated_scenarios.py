"""Scenarios that are damaged: each is refused with a message, or it is a scenario that is written as it was read."""

from pathlib import Path

import pytest

from hugeresv.errors import InputError
from hugeresv.scenario.load import load, to_text
from tests.mutated import cases, mutated
from tests.played import SCENARIOS

CASES = 400


@pytest.mark.timeout(300)
@pytest.mark.parametrize("suffix", [".scn", ".json", ".jsonl"])
def test_a_damaged_scenario_is_refused_or_is_one(tmp_path: Path, suffix: str) -> None:
    """A damaged file is refused with a message, or it is a scenario that is written and read back.

    Catches: a traceback of a reader, and what is read in another way when it has been written.
    """
    sound = [
        to_text(load(path), suffix).encode() for path in sorted(SCENARIOS.rglob("*.scn")) if path.stat().st_size < 3000
    ]
    path, again = tmp_path / f"damaged{suffix}", tmp_path / f"again{suffix}"
    failures = []
    read = 0
    for number, rng in cases(CASES):
        path.write_bytes(mutated(rng.choice(sound), rng))
        try:
            scenarios = load(path)
        except InputError:
            continue
        except Exception as error:  # noqa: BLE001  it is what is looked for
            failures.append((number, repr(error)))
            continue
        read += 1
        again.write_text(to_text(scenarios, suffix), newline="")
        if load(again) != scenarios:
            failures.append((number, "is read in another way when it has been written"))
    assert failures == []
    assert read > CASES // 20
