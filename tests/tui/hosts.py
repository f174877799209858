"""A tiny app that shows one modal screen, keeps what it returns, and opens it again."""

import random
from collections.abc import Callable
from typing import Any

from textual.app import App, ComposeResult
from textual.events import Key
from textual.pilot import Pilot
from textual.screen import ModalScreen
from textual.widgets import Static

from tms_tui.app import TmsApp
from tms_tui.compat import is_laid_out, screen_lines, screen_strips

NOTHING = object()

# Those that close a screen are one in thirty, so that the others get far into it.
CLOSING = ("ctrl+s", "escape", "enter", "q")
KEYS = [
    *("tab", "down", "shift+tab", "up") * 3,
    *(
        "left",
        "right",
        "space",
        "backspace",
        "delete",
        "home",
        "end",
        "pageup",
        "pagedown",
        "ctrl+u",
        "ctrl+a",
    ),
]
TYPED = {"comma": ",", "full_stop": ".", "minus": "-", "space": " ", "question_mark": "?", "tilde": "~"} | {
    character: character for character in "asjkxe0159/["
}


class Host(App[None]):
    def __init__(self, make: Callable[[], ModalScreen[Any]], ascii: bool = False) -> None:
        super().__init__()
        self.make = make
        self.ascii = ascii
        self.result: Any = NOTHING

    def compose(self) -> ComposeResult:
        yield Static("behind")

    def on_mount(self) -> None:
        self.open()

    def open(self) -> None:
        def keep(result: Any) -> None:
            self.result = result

        self.push_screen(self.make(), keep)


def text(app: App[None]) -> str:
    """The characters on the screen, its rows as lines."""
    return "\n".join(screen_lines(app))


async def settled(pilot: Pilot[Any]) -> None:
    """Wait until the app has nothing to do: every widget is mounted and laid out, and two frames are alike.

    No number of seconds can tell that on a busy machine. `tick` is how the app draws what has changed.
    """
    app, before = pilot.app, None
    for _ in range(100):
        if isinstance(app, TmsApp):
            app.tick()
        await pilot.pause()
        screen = app.screen
        frame = [list(strip) for strip in screen_strips(app)]
        mounted = all(child.is_mounted for child in screen.walk_children())
        if frame == before and mounted and is_laid_out(screen):
            return
        before = frame
    raise AssertionError("the screen does not come to rest")


async def press(pilot: Pilot[Any], *keys: str) -> None:
    """Press keys as somebody does who waits for each to show."""
    await settled(pilot)
    for key in keys:
        await pilot.press(key)
        await settled(pilot)


async def press_at_random(app: Host, pilot: Pilot[None], n_events: int, seed: int) -> None:
    """Random bursts of keys, clicks and sizes from 20×5 to 200×50; a screen that closes is opened again."""
    draw = random.Random(seed)
    events = 0
    while events < n_events:
        if not isinstance(app.screen, ModalScreen):
            app.open()
            await pilot.pause()
        kind = draw.random()
        if kind < 0.1:
            await pilot.resize_terminal(draw.randint(20, 200), draw.randint(5, 50))
            events += 1
        elif kind < 0.2:
            await pilot.click(offset=(draw.randrange(app.size.width), draw.randrange(app.size.height)))
            events += 1
        else:
            burst = draw.choices([*KEYS, *TYPED], k=draw.randint(1, 12))
            if draw.random() < 0.2:
                burst.append(draw.choice(CLOSING))
            for key in burst:
                app.post_message(Key(key, TYPED.get(key)))
            await pilot.pause()
            events += len(burst)
