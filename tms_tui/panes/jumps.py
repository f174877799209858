"""Jumps: what a letter over the screen leads to."""

from collections.abc import Iterable
from typing import NamedTuple

from tms_tui.messages import Message

# The letters in the order in which they are given: those under the fingers first.
LETTERS = "asdfghjklqwertyuiopzxcvbnmASDFGHJKLQWERTYUIOPZXCVBNM"


class Jump(NamedTuple):
    """A place to jump to, of the content of a pane or of the screen, and what is done there."""

    x: int
    y: int
    message: Message


class Lettered(NamedTuple):
    """A letter at a place of the screen."""

    x: int
    y: int
    letter: str


def lettered(jumps: Iterable[Jump]) -> tuple[tuple[Lettered, ...], dict[str, Message]]:
    """The letters where they stand, and what each is for: the same at all places that lead to the same.

    Where there are more than letters, the last have none; no letter stands on or right beside another.
    """
    meant: list[Message] = []
    placed: dict[tuple[int, int], Lettered] = {}
    for x, y, message in jumps:
        if message not in meant and len(meant) < len(LETTERS):
            meant.append(message)
        if message in meant and not any((near, y) in placed for near in range(x - 1, x + 2)):
            placed[x, y] = Lettered(x, y, LETTERS[meant.index(message)])
    return tuple(placed.values()), {LETTERS[k]: message for k, message in enumerate(meant)}
