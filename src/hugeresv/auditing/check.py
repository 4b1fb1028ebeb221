"""The check of a kernel by its name: what it is compared with, and how both are audited."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

from hugeresv.auditing.steps import auditor
from hugeresv.errors import HugeresvError, InputError, UnavailableError
from hugeresv.kernels.built import kernel_name
from hugeresv.kernels.grammar import HOST, open_kernel
from hugeresv.kernels.guest.kernel import GuestKernel
from hugeresv.kernels.model.kernel import ModelKernel
from hugeresv.kernels.protocol import Kernel
from hugeresv.scenario.load import load
from hugeresv.scenario.packaged import packaged
from hugeresv.scenario.scenario import Pool, Scenario
from hugeresv.search.lockstep import Audits

_PROBE = Pool(2048, 2)


class BaseUnavailableError(UnavailableError):
    """What a kernel is compared with cannot be had here, which says nothing about the kernel."""


class Opened(NamedTuple):
    """A kernel and its base, ready. `audits` is None where `why_not` says so."""

    kernel: Kernel
    base: Kernel
    audits: Audits | None
    why_not: str = ""


@contextmanager
def opened_for_check(kernel: str, base: str | None, *, audited: bool) -> Iterator[Opened]:
    """Both by their names; without a base it is the behaviour closest to the kernel's release.

    Raises UnavailableError for a kernel that does not start, of which BaseUnavailableError is for the base; InputError
    for the host's.
    """
    if HOST in (kernel, base):
        raise InputError("check may crash a kernel, and does not run on this host: name a guest, an image or a tree")
    with ExitStack() as started:
        beside = None if base is None else started.enter_context(_base(base))
        opened = started.enter_context(open_kernel(kernel_name(kernel)))
        opened.start(_PROBE).close()
        if beside is None:
            beside = started.enter_context(open_kernel(_closest(opened)))
        if not audited:
            yield Opened(opened, beside, None, "not asked for")
            return
        try:
            audits = auditor(beside), auditor(opened)
            for each, seer in zip((beside, opened), audits, strict=True):
                with each.start(_PROBE) as session:
                    insight = seer(session)
                    assert insight is not None
                    insight.machine()
        except HugeresvError as error:
            yield Opened(opened, beside, None, str(error))
            return
        yield Opened(opened, beside, audits)


@contextmanager
def _base(name: str) -> Iterator[Kernel]:
    """The kernel to compare with, which has started once. Raises BaseUnavailableError where it does not."""
    with ExitStack() as started:
        try:
            base = started.enter_context(open_kernel(kernel_name(name)))
            base.start(_PROBE).close()
        except UnavailableError as error:
            raise BaseUnavailableError(f"--base: {error}") from error
        yield base


def _closest(kernel: Kernel) -> str:
    if isinstance(kernel, GuestKernel):
        return kernel.behaviour.name
    assert isinstance(kernel, ModelKernel)
    return kernel.name.partition(",")[0]


def all_scenarios() -> Iterator[tuple[str, Scenario]]:
    """Those that come with hugeresv, by name."""
    for name, path in packaged().items():
        if path.is_file():
            for scenario in load(path):
                yield name, scenario
