"""Which behaviour of the model is closest to a kernel."""

import re

from hugeresv.model.behaviour import Behaviour
from hugeresv.model.presets import PRESETS

_RELEASE = re.compile(r"(\d+)\.(\d+)")
_KNOWN = {
    (int(found[1]), int(found[2])): behaviour
    for name, behaviour in PRESETS.items()
    if (found := _RELEASE.fullmatch(name))
}


def behaviour_of(release: str) -> tuple[Behaviour, list[str]]:
    """The newest behaviour that is not newer than a release such as `6.18.44-generic`, the oldest for one before it.

    With it, what there is to say where that may be wrong.
    """
    found = _RELEASE.match(release)
    if found is None:
        behaviour = _KNOWN[max(_KNOWN)]
        return behaviour, [f"the kernel's release is not told: the rules are those of {behaviour.name}"]
    version = (int(found[1]), int(found[2]))
    older = [known for known in _KNOWN if known <= version]
    behaviour = _KNOWN[max(older)] if older else _KNOWN[min(_KNOWN)]
    doubt = (
        []
        if older
        else [f"Linux {release} is older than what is modelled: its rules are taken for those of {behaviour.name}"]
    )
    return behaviour, doubt
