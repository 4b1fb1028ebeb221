"""`run --json`: one line of JSON a step."""

import json
from typing import TextIO

from hugeresv.kernels.play import StepResult


class JsonRows:
    """Writes the steps of one scenario, each as soon as it is done."""

    def __init__(self, stream: TextIO, file: str, identifier: str) -> None:
        self._stream = stream
        self._head = f'{{"file": {json.dumps(file)}, "id": {json.dumps(identifier)}, "step": '

    def step(self, result: StepResult) -> None:
        """A row. The keys `cgroups` and `statfs` are left out where the kernel's answer has none."""
        number, _, (outcome, (total, free, rsvd, surp), cgroups, statfs), *_ = result
        tables = ""
        if cgroups is not None:
            usages = {name: {"usage": usage, "rsvd": reserved} for name, (usage, reserved) in cgroups.items()}
            tables = f', "cgroups": {json.dumps(usages)}'
        if statfs is not None:
            tables += f', "statfs": {json.dumps({name: pages._asdict() for name, pages in statfs.items()})}'
        self._stream.write(
            f'{self._head}{number}, "outcome": "{outcome}", '
            f'"total": {total}, "free": {free}, "rsvd": {rsvd}, "surp": {surp}{tables}}}\n'
        )
        self._stream.flush()
