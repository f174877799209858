"""The most telling keys of now, as many as there is room for, from the table of keys. They can be clicked.

First what leads on from the state of the run, then what the pane in focus has of its own, then those of the
full screen. Where the terminal is low, the line of explanation takes their place while something is asked
for.
"""

from typing import Any, NamedTuple

from rich.cells import cell_len
from textual.content import Content
from textual.widget import Widget

from tms_tui.drawing.ascii import ascii_text
from tms_tui.drawing.modes import Mode
from tms_tui.keys import ALONE, KEYS, PANES_OF, Key
from tms_tui.messages import (
    Clear,
    Extend,
    KeyMessage,
    LookAtNewest,
    OpenExperiment,
    OpenHelp,
    Quit,
    Restart,
    ToggleMaximized,
    TogglePause,
    ToggleReplay,
)
from tms_tui.messages.space import Compare
from tms_tui.model import Model
from tms_tui.panes.pane_keys import press

_ARROWS = "←↑↓→"
_LETTERS = {"←": "h", "↓": "j", "↑": "k", "→": "l"}
# Keys that stand for two, which do the opposite.
_PAIRS = {"[": "[ ]", "]": "[ ]", "+": "+ -"}


class Hint(NamedTuple):
    """A key in the bar."""

    display: str
    label: str
    place: int | None  # of the key in the table, which a click presses; None: it stands for several


_ENDED: list[tuple[KeyMessage, str]] = [(Restart(), "again"), (OpenExperiment(), "another")]
_AT_THE_END: dict[str, list[tuple[KeyMessage, str]]] = {
    "finished": [(Extend(), "train on"), (Restart(), "again")],
    "diverged": _ENDED,
    "failed": _ENDED,
}


def hints(model: Model) -> tuple[Hint, ...]:
    """The keys that matter now, the most telling first; the last two, help and quit, are always there."""
    screen, pane = model.trail[-1], model.layout.focused
    first_pane = PANES_OF[screen][0]
    pane = pane if pane in PANES_OF[screen] else first_pane
    here = [key for key in KEYS if key.is_of(screen) and key.pane in ("", pane)]
    taken = {name for key in here if key.pane for name in key.keys.split(",")}
    here = [key for key in here if key.pane or taken.isdisjoint(key.keys.split(","))]
    state = _of_state(model)
    told = {type(message) for message, _ in state} | {TogglePause}
    made = [_hint(_key_of(message, here), label) for message, label in state]
    ranked = sorted(
        (key for key in here if key.rank and type(key.message) not in told), key=lambda key: key.rank
    )
    last = [key for key in ranked if isinstance(key.message, OpenHelp | Quit)]
    own = [key for key in ranked if key.pane and pane != first_pane]
    rest = [key for key in ranked if key not in own and key not in last]
    return (*made, *(_hint(key) for key in (*own, *rest, *last)))


def _of_state(model: Model) -> list[tuple[KeyMessage, str]]:
    """What leads on from where the run is, and back from what covers it."""
    view, found = model.view, list[tuple[KeyMessage, str]]()
    if model.layout.maximized:
        found.append((ToggleMaximized(), "restore"))
    if model.trail[-1] in ALONE:
        return found
    if model.replay is not None:
        found.append((ToggleReplay(), "stop"))
    elif model.options.step is not None:
        found += [(LookAtNewest(), "now"), (ToggleReplay(), "replay")]
    elif view.following is not None:
        found += [] if view.following.is_running else [(Extend(), "take over")]
    else:
        goes_on = "go on" if view.phase == "paused" else "pause"
        found += _AT_THE_END.get(view.phase, [(TogglePause(), goes_on)])
    if model.trail[-1] == "dashboard" and model.solids.before is not None:
        found += [(Compare(), "A, B, both"), (Clear(), "forget A")]
    return found


def _key_of(message: KeyMessage, keys: list[Key]) -> Key:
    """The key that sends a message; of the table if none of these does."""
    return next(key for key in (*keys, *KEYS) if key.message == message)


def _hint(key: Key, label: str = "") -> Hint:
    """A key; with an arrow, all arrows of its pane that have this label."""
    alike = [other.display for other in KEYS if (other.pane, other.label) == (key.pane, key.label)]
    arrows = [arrow for arrow in _ARROWS if any(arrow in display for display in alike)]
    if key.pane and any(arrow in key.display for arrow in _ARROWS):
        return Hint("".join(arrows), label or key.label, None if len(arrows) > 1 else KEYS.index(key))
    return Hint(_PAIRS.get(key.display, key.display), label or key.label, KEYS.index(key))


class KeyBar(Widget):
    """One line; the last two keys (help, quit) are always there."""

    DEFAULT_CSS = "KeyBar { height: 1; padding: 0 1; }"

    def __init__(self, mode: Mode, **options: Any) -> None:
        super().__init__(**options)
        self._hints: tuple[Hint, ...] = ()
        self.mode = mode
        self._said: Content | None = None

    def show(self, hints: tuple[Hint, ...], said: Content | None = None) -> None:
        """Show these keys, or say this in their place."""
        if (hints, said) != (self._hints, self._said):
            self._hints, self._said = hints, said
            self.refresh()

    def render(self) -> Content:
        if self._said is not None:
            return self._said
        first, last = self._hints[:-2], self._hints[-2:]
        room = self.size.width - sum(map(self._length, last))
        shown = []
        for hint in first:
            room -= self._length(hint)
            if room < 0:
                break
            shown.append(hint)
        return Content("   ").join([self._part(hint) for hint in (*shown, *last)])

    def _part(self, hint: Hint) -> Content:
        """The key and its label, which can be clicked unless it stands for several."""
        if hint.place is None:
            return Content.assemble((f"{self._display(hint)} {hint.label}", "$foreground"))
        click = f"@click={press(hint.place)}"
        return Content.assemble(
            (f"{self._display(hint)} ", f"bold $accent on $background {click}"),
            (hint.label, f"$text-muted {click}"),
        )

    def _display(self, hint: Hint) -> str:
        if self.mode != "ascii":
            return hint.display
        letters = "".join(sorted(_LETTERS.get(sign, "") for sign in hint.display))
        return letters if letters else ascii_text(hint.display)

    def _length(self, hint: Hint) -> int:
        return cell_len(self._display(hint)) + len(hint.label) + 4
