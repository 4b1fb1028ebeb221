"""Names of kernels: what they mean, how they are spelled back, and what is said about those that mean nothing."""

from dataclasses import replace

import pytest

from hugeresv.errors import InputError, UnavailableError
from hugeresv.kernels.grammar import known_kernels, open_kernel, parse_behaviour, parse_kernel
from hugeresv.kernels.host.kernel import HostKernel
from hugeresv.kernels.model.kernel import ModelKernel
from hugeresv.model.behaviour import ZapRestore
from hugeresv.model.presets import PRESETS


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_called_by_its_name(name: str) -> None:
    """A preset is found by its own name, and its kernel has that name.

    Catches: a table whose keys are not the names: `expect_on` would look in vain.
    """
    kernel = parse_kernel(name)
    assert isinstance(kernel, ModelKernel)
    assert kernel.behaviour is PRESETS[name]
    assert kernel.name == name
    assert name in known_kernels()


def test_a_switch_is_set_and_nothing_else() -> None:
    """A switch that is set changes that switch, the name and the evidence, and nothing else.

    Catches: a switch that is read and not used, or that takes others with it.
    """
    behaviour = parse_behaviour("6.18,zap-restore=never")
    assert behaviour.zap_restore is ZapRestore.NEVER
    assert (
        replace(behaviour, name="6.18", verified=PRESETS["6.18"].verified, zap_restore=ZapRestore.ALWAYS)
        == PRESETS["6.18"]
    )
    assert not behaviour.verified.startswith("6.18.44")


@pytest.mark.parametrize(
    ("given", "canonical"),
    [
        ("6.18,zap_restore=last_unmap", "6.18,zap-restore=last-unmap"),
        ("6.18,dontneed=no,zap-restore=never", "6.18,zap-restore=never,dontneed=off"),
        ("6.18, dontneed = false", "6.18,dontneed=off"),
        ("6.18,zap-restore=always,dontneed=true", "6.18"),
        ("ideal,partial_mremap_drops_map=yes", "ideal,partial-mremap-drops-map=on"),
    ],
)
def test_one_behaviour_has_one_spelling(given: str, canonical: str) -> None:
    """Every spelling of a behaviour leads to one canonical name.

    Catches: two names for one kernel: an expectation recorded under the one is not found under the other.
    """
    assert parse_kernel(given).name == canonical
    assert parse_kernel(canonical).name == canonical


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("6.17", ["unknown kernel '6.17'", "did you mean '6.1'", "count-in-vma, 2008", "host, guest:NAME"]),
        ("", ["unknown kernel ''"]),
        ("Host", ["unknown kernel 'Host'", "did you mean 'host'"]),
        ("guest:", ["unknown kernel 'guest:'"]),
        ("host,dontneed=off", ["host is a real kernel", "'dontneed=off'"]),
        ("guest:6.1,cpus=2", ["takes only the options memory=SIZE and nodes=N", "'cpus=2'"]),
        ("guest:6.1,memory=1G,nodes=9", ["1 to 8 NUMA nodes", "'9'"]),
        ("guest:6.1,memory=1M", ["128M of memory or more", "'1M'"]),
        ("guest:6.1,memory=1025K", ["whole MiB"]),
        ("6.18,", ["expected switch=value"]),
        ("6.18,zap-restor=never", ["unknown switch 'zap-restor'", "did you mean 'zap-restore'", "dontneed"]),
        ("6.18,zap-restore", ["switch 'zap-restore' has no value", "zap-restore=never|always|last-unmap"]),
        ("6.18,zap-restore=nevr", ["'nevr'", "did you mean 'never'", "never, always, last-unmap"]),
        ("6.18,dontneed=maybe", ["'maybe'", "on, off"]),
        ("6.18,name=x", ["unknown switch 'name'"]),
        ("6.18,dontneed=off,dontneed=on", ["'dontneed' is given twice"]),
    ],
)
def test_what_is_wrong_is_named_with_what_is_right(text: str, said: list[str]) -> None:
    """An error quotes the name and lists what could have been meant.

    Catches: an error that leaves its reader to guess, or that is none: an unknown name taken for the default.
    """
    with pytest.raises((InputError, UnavailableError)) as error:
        parse_kernel(text)
    assert repr(text) in str(error.value)
    for part in said:
        assert part in str(error.value)


@pytest.mark.parametrize("wrong", ["6.17", "", "6.18,zap=never"])
def test_an_unknown_kernel_or_switch_is_wrong_input(wrong: str) -> None:
    """What no machine has raises InputError. Catches: exit status 3 for a misspelling, as if another machine had it."""
    with pytest.raises(InputError):
        parse_kernel(wrong)


def test_a_guest_is_not_to_be_had() -> None:
    """A guest that is not in the cache raises UnavailableError by its name.

    Catches: a guest that is taken for a misspelled behaviour: it is not wrong, it cannot be had here.
    """
    with pytest.raises(UnavailableError, match="guest:debian-12"):
        parse_kernel("guest:debian-12")


def test_the_host_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """`open_kernel` closes the host's kernel, also after an exception.

    Catches: a pool that stays borrowed when a verb is done, or has failed.
    """
    closed: list[HostKernel] = []

    def close(self: HostKernel) -> None:
        closed.append(self)

    monkeypatch.setattr(HostKernel, "close", close)
    with pytest.raises(ZeroDivisionError), open_kernel("host") as kernel:
        raise ZeroDivisionError
    assert closed == [kernel]


@pytest.mark.parametrize("text", ["host", "host,zap-restore=never", "guest:6.12", "guest:6.12,nodes=2"])
def test_a_real_kernel_is_no_behaviour(text: str) -> None:
    """What works on the model alone says so of a real kernel, and which names it takes.

    Catches: "unknown kernel 'host'; did you mean 'host'?".
    """
    with pytest.raises(InputError, match=r"is a real kernel; only a behaviour will do here: .*6\.18"):
        parse_behaviour(text)
