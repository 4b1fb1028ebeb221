"""What the agent answers, as counters: words of the guest's machine, which may be smaller than ours."""

from typing import cast

import pytest

from hugeresv.errors import UnavailableError
from hugeresv.kernels.guest.conversation import Conversation
from hugeresv.kernels.guest.readings import GuestFiles, GuestPool
from hugeresv.scenario.scenario import Pool


class Agent:
    """A conversation in which files hold these numbers, and every write succeeds."""

    def __init__(self, *numbers: int) -> None:
        self.numbers = numbers
        self.asked: list[tuple[object, ...]] = []

    def ask(self, *words: object, patience: float = 0) -> list[str]:
        self.asked.append(words)
        return ["0", *map(str, self.numbers)] if words[0] == "read" else ["0"]


def files_of(agent: Agent) -> GuestFiles:
    return GuestFiles(cast(Conversation, agent))


def pool_of(agent: Agent, word_bits: int) -> GuestPool:
    return GuestPool(files_of(agent), Pool(2048, 4), word_bits)


@pytest.mark.parametrize("word_bits", [32, 64])
@pytest.mark.parametrize("rsvd", [0, 3, -1, -3])
def test_a_counter_wraps_at_the_machines_word(word_bits: int, rsvd: int) -> None:
    """resv_hugepages is printed unsigned, as a word of the guest. Catches: -3 of a 32-bit guest read as 4294967293."""
    numbers = (4, 4, rsvd % (1 << word_bits), 0)
    assert pool_of(Agent(), word_bits).answer(numbers).counters == (4, 4, rsvd, 0)


def test_files_that_were_read_last_are_not_named_again() -> None:
    """The agent keeps the names. Catches: numbers of the files before, though others were asked for."""
    agent = Agent(7)
    files = files_of(agent)
    for path in ("/a", "/a", "/b"):
        assert files.read(path) == [7]
    assert agent.asked == [("read", "/a"), ("read",), ("read", "/b")]


@pytest.mark.parametrize("total", [3, 5])
def test_a_pool_of_another_size_is_refused(total: int) -> None:
    """A scenario begins with its own pool. Catches: one that is run on whatever memory could give."""
    with pytest.raises(UnavailableError, match=f"could get only {total} of 4 huge pages"):
        pool_of(Agent(total, total, 0, 0), 64).fill()
