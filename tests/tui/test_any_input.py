"""Any keys, mouse reports and bytes, on any screen: the app goes on, and answers."""

import random

import pytest
from textual import events
from textual.message import Message

from tests.trials.raw_input import HOSTILE, anything
from tests.tui.conftest import still_app
from tests.tui.hosts import settled
from tms_tui import compat
from tms_tui.app import TmsApp
from tms_tui.terminal.driver import mouse_event
from tms_tui.terminal.keyboard import Key, Keyboard, KeyNames, Mouse, Paste, Token

pytestmark = pytest.mark.slow

NAMES = KeyNames(compat.key_of_character, compat.keys_of_sequence, compat.functional_key)
SIZE = (100, 30)
SCREENS = {"dashboard": "", "help": "?", "experiment": "i", "export": "x", "palette": "ctrl+p", "doctor": "D"}


def some_pieces(draw: random.Random) -> list[bytes]:
    """Keys, reports and bytes of all kinds, and what is known to have broken terminals."""
    kinds = (
        lambda: anything(draw),
        lambda: draw.randbytes(draw.randrange(40)),
        lambda: draw.choice(list(HOSTILE.values()))[:100],
    )
    return [draw.choice(kinds)() for _ in range(draw.randrange(5, 15))]


def message(token: Token) -> Message | None:
    """What the driver hands to the app for a token. Nothing that ends the app, or writes to the disk."""
    match token:
        case Key(name, character) if name not in ("q", "Q", "e", "E", "s", "ctrl+c", "ctrl+z", "ctrl+q"):
            return events.Key(name, character)
        case Paste(text):
            return events.Paste(text)
        case Mouse(_, x, y, _) if x < SIZE[0] and y < SIZE[1]:
            return mouse_event(token, (0, 0))
        case _:
            return None


async def answers(app: TmsApp, pilot) -> None:
    """Whether a key changes what is shown, once all dialogs are closed."""
    for _ in range(6):
        if app.screen is app.dashboard:
            break
        await pilot.press("escape")
        await settled(pilot)
    assert app.screen is app.dashboard
    before = app.model.options.log
    await pilot.press("L")
    await settled(pilot)
    assert app.model.options.log is not before
    assert app.crashed is None


async def survives(screen: str, pieces: list[bytes]) -> None:
    """Open a screen, send these, and see that the app answers. (`python -m tests.trials any_input`.)"""
    app = still_app()
    async with app.run_test(size=SIZE) as pilot:
        if SCREENS[screen]:
            await pilot.press(SCREENS[screen])
        keys = Keyboard(NAMES)
        for number, piece in enumerate(pieces):
            for token in [*keys.feed(piece, 10.0 * number), *keys.tick(10.0 * number + 5)]:
                if (event := message(token)) is not None:
                    app.post_message(event)
            await pilot.pause()
        await answers(app, pilot)


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_comes_the_app_goes_on_and_answers(seed):
    draw = random.Random(seed)
    await survives(sorted(SCREENS)[draw.randrange(len(SCREENS))], some_pieces(draw))
