"""The audit of scenarios: after every step the machine behind the session is held against the invariants."""

from hugeresv.auditing.drgn import require_drgn
from hugeresv.errors import UnavailableError
from hugeresv.kernels.guest.kernel import GuestKernel
from hugeresv.kernels.model.kernel import ModelKernel
from hugeresv.kernels.protocol import Kernel
from hugeresv.play.insight import Seer, model_insight


def auditor(kernel: Kernel) -> Seer:
    """What `play` takes to have every step on this kernel audited; good for as long as the kernel is open.

    Raises UnavailableError for the host's kernel, and for a guest where drgn is not installed.
    """
    if isinstance(kernel, ModelKernel):
        return model_insight
    if not isinstance(kernel, GuestKernel):
        raise UnavailableError(f"{kernel.name}: steps are audited on guests (guest:NAME) and on the model")
    require_drgn()
    from hugeresv.auditing.guest import GuestAuditor

    return GuestAuditor()
