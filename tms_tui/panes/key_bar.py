"""The most important keys of a full screen, as many as there is room for, from the table of keys. They can be
clicked.

Where the terminal is low, the line of explanation takes their place while something is asked for.
"""

from typing import Any

from rich.cells import cell_len
from textual.content import Content
from textual.widget import Widget

from tms_tui.drawing.modes import Mode
from tms_tui.keys import KEYS, Key
from tms_tui.messages import FullScreenName
from tms_tui.panes.pane_keys import press


class KeyBar(Widget):
    """One line; the last two keys (help, quit) are always there."""

    DEFAULT_CSS = "KeyBar { height: 1; padding: 0 1; }"

    def __init__(self, mode: Mode, screen: FullScreenName, **options: Any) -> None:
        super().__init__(**options)
        self._keys = sorted((key for key in KEYS if key.rank and key.is_of(screen)), key=lambda key: key.rank)
        self.mode = mode
        self._said: Content | None = None

    def show(self, said: Content | None) -> None:
        """Say this in the place of the keys; None: show the keys."""
        if said != self._said:
            self._said = said
            self.refresh()

    def render(self) -> Content:
        if self._said is not None:
            return self._said
        first, last = self._keys[:-2], self._keys[-2:]
        room = self.size.width - sum(map(self._length, last))
        shown = []
        for key in first:
            room -= self._length(key)
            if room < 0:
                break
            shown.append(key)
        return Content("   ").join([self._part(key) for key in (*shown, *last)])

    def _part(self, key: Key) -> Content:
        """The key and its label, which can be clicked unless it stands for four arrows."""
        if key.pane:
            return Content.assemble((f"{self._display(key)} ", "$foreground"), (key.label, "$foreground"))
        click = f"@click={press(KEYS.index(key))}"
        return Content.assemble(
            (f"{self._display(key)} ", f"bold $accent on $background {click}"),
            (key.label, f"$text-muted {click}"),
        )

    def _display(self, key: Key) -> str:
        shown = {"← h": "←↑↓→"}.get(
            key.display, {"[": "[ ]", "]": "[ ]", "+": "+ -"}.get(key.display, key.display)
        )
        return shown.replace("←↑↓→", "hjkl") if self.mode == "ascii" else shown

    def _length(self, key: Key) -> int:
        return cell_len(self._display(key)) + len(key.label) + 4
