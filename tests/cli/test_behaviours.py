"""`hugeresv behaviours`: the catalogue, and one entry of it."""

import json

import pytest

from hugeresv.kernels.grammar import spelling
from hugeresv.model.behaviour import switches
from hugeresv.model.presets import PRESETS
from tests.cli.conftest import Hugeresv

NAMES = [spelling(switch.name) for switch in switches()]


def test_all_are_listed_within_the_screen(hugeresv: Hugeresv) -> None:
    """The list has each behaviour and each switch once, with its source, in 80 columns.

    Catches: a switch or a behaviour that is missing, without its source, or cut off at the edge.
    """
    ran = hugeresv("behaviours")
    assert ran.status == 0
    assert max(map(len, ran.out.splitlines())) <= 80
    firsts = [line.split()[0] for line in ran.out.splitlines() if line and not line.startswith(" ")]
    for name in [*PRESETS, *NAMES]:
        assert firsts.count(name) == 1
    told = " ".join(ran.out.split())
    for switch in switches():
        assert switch.metadata["source"].split()[0] in told


def test_a_value_is_told_of_those_that_have_it(hugeresv: Hugeresv) -> None:
    """A switch lists under each of its values the behaviours that have it.

    Catches: behaviours under another value, or the value of ideal under 'elsewhere'.
    """
    ran = hugeresv("behaviours", "zap-restore")
    lines = [line.strip() for line in ran.out.splitlines()]
    assert "always: 6.12.107 6.18.15 6.18" in lines
    assert "last-unmap (as ideal): 6.12.117 6.12 7.3 ideal" in lines


def test_one_behaviour_is_told_by_its_differences(hugeresv: Hugeresv) -> None:
    """A behaviour shows the switches that are not as in ideal, and names the others in one line.

    Catches: a switch that is set and not shown, or shown though it is as in ideal.
    """
    told, _, same = hugeresv("behaviours", "ideal,zap_restore=never").out.partition("as in ideal: ")
    assert [line for line in told.splitlines() if "=" in line] == [
        "ideal,zap-restore=never",
        "zap-restore=never",
    ]
    assert len(same.split(",")) == len(NAMES) - 1


def test_json_has_every_value(hugeresv: Hugeresv) -> None:
    """`--json` has every preset, and every switch with the presets of each value.

    Catches: a preset or a switch that programs do not get.
    """
    whole = json.loads(hugeresv("behaviours", "--json").out)
    assert whole["behaviours"].keys() == PRESETS.keys()
    assert list(whole["switches"]) == NAMES
    assert whole["behaviours"]["count-in-vma"]["switches"]["reservation-tracking"] == "count-in-vma"
    assert whole["switches"]["dontneed"]["values"]["off"] == ["count-in-vma", "2008", "5.10"]
    (one,) = json.loads(hugeresv("behaviours", "--json", "6.18").out)["behaviours"].items()
    assert one == ("6.18", whole["behaviours"]["6.18"])


@pytest.mark.parametrize(
    ("name", "said"),
    [("zap-restor", "did you mean 'zap-restore'?"), ("6.19", "did you mean '6.1"), ("6.18,x=1", "unknown switch 'x'")],
)
def test_a_name_that_there_is_not(hugeresv: Hugeresv, name: str, said: str) -> None:
    """A name that is neither a behaviour nor a switch is an error, with status 2.

    Catches: all of the catalogue for a misspelled part of it.
    """
    ran = hugeresv("behaviours", name)
    assert (ran.status, ran.out) == (2, "")
    assert said in ran.err


def test_the_source_of_a_rule_has_no_switch(hugeresv: Hugeresv) -> None:
    """A rule is printed as the kernel has it. Catches: another kernel's branch, or a condition that is left."""
    always = hugeresv("behaviours", "6.18", "--source", "_restores_reserve")
    assert (always.status, always.err) == (0, "")
    assert always.out.startswith("# 6.18, hugeresv/model/zap.py\ndef _restores_reserve(")
    assert always.out.endswith("    return True\n")
    last = hugeresv("behaviours", "7.3", "--source", "_restores_reserve")
    assert last.out.endswith("    return is_last\n")


def test_a_switch_that_is_set_is_in_the_source(hugeresv: Hugeresv) -> None:
    """Behaviours with switches set have a source, too. Catches: a name that is cut off at its comma."""
    never = hugeresv("behaviours", "6.18,zap-restore=never", "--source", "_restores_reserve", "--json")
    told = json.loads(never.out)
    assert told["behaviour"] == "6.18,zap-restore=never"
    assert [each["file"] for each in told["functions"]] == ["zap.py"]
    assert told["functions"][0]["source"].endswith("    return False\n")


def test_two_behaviours_differ_in_a_unified_diff(hugeresv: Hugeresv) -> None:
    """The patch of June 2008 is four lines, and the exit status says that there are any. Catches: noise in the diff."""
    ran = hugeresv("behaviours", "--diff", "count-in-vma", "2008")
    assert (ran.status, ran.err) == (1, "")
    changed = [line for line in ran.out.splitlines() if line.startswith(("+ ", "- "))]
    assert len(changed) == 4
    files = json.loads(hugeresv("behaviours", "--json", "--diff", "count-in-vma", "2008").out)["files"]
    assert "".join(files.values()) == ran.out
    alike = hugeresv("behaviours", "--diff", "6.18", "6.18")
    assert (alike.status, alike.out) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--source", "mmap"], "--source needs a behaviour"),
        (["6.18", "--source", "mmmap"], "the model has no function 'mmmap'; did you mean"),
        (["zap-restore", "--source", "mmap"], "there is no behaviour 'zap-restore'"),
        (["6.18", "--diff", "6.12", "6.18"], "takes neither NAME nor --source"),
        (["--diff", "6.12", "6.19"], "there is no behaviour '6.19'; did you mean"),
    ],
)
def test_what_source_and_diff_cannot_show(hugeresv: Hugeresv, arguments: list[str], said: str) -> None:
    """A name that is wrong is an error of input that says what to do. Catches: the whole catalogue printed instead."""
    ran = hugeresv("behaviours", *arguments)
    assert (ran.status, ran.out) == (2, "")
    assert said in ran.err
