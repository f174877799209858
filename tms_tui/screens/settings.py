"""The settings: what lasts from one start to the next, beside a space and a loss that show each change."""

from collections.abc import Iterator
from typing import ClassVar

from textual.binding import BindingType
from textual.containers import Vertical
from textual.widget import Widget

from tms_tui.drawing.modes import Mode
from tms_tui.panes.loss_plot import LossPlot
from tms_tui.panes.pane_keys import screen_bindings
from tms_tui.panes.settings_table import SettingsAbout, SettingsTable
from tms_tui.panes.space_view import SpaceView
from tms_tui.screens.full_screen import FullScreen


class SettingsScreen(FullScreen):
    """The settings, the chosen one in words, and where there is room a space and a loss."""

    FULL = "settings"
    FIRST = "settings"
    BINDINGS: ClassVar[list[BindingType]] = screen_bindings("settings")
    DEFAULT_CSS = """
    SettingsScreen {
        #setting-lists { width: 1fr; min-width: 58; max-width: 84; }
        #settings { height: 12; }
        #about-setting { height: 1fr; padding: 0 1; overflow-y: auto; scrollbar-size-vertical: 1; }
        #look { width: 1fr; }
        #settings-space, #settings-loss { height: 1fr; width: 1fr; }
        &.-narrow #look { display: none; }
        &.-short #settings-loss { display: none; }
    }
    """

    def __init__(self, mode: Mode, colors: int) -> None:
        super().__init__(mode, colors)
        self.panes = {
            "settings": SettingsTable(mode, id="settings", classes="pane"),
            "about-setting": SettingsAbout(mode, id="about-setting", classes="pane"),
            "settings-space": SpaceView(mode, id="settings-space", classes="pane"),
            "settings-loss": LossPlot(mode, id="settings-loss", classes="pane"),
        }
        for name in ("settings-space", "settings-loss"):
            self.panes[name].can_focus = False
        self.moving = frozenset({"settings-space"})

    def body(self) -> Iterator[Widget]:
        with Vertical(id="setting-lists"):
            yield self.panes["settings"]
            yield self.panes["about-setting"]
        with Vertical(id="look"):
            yield self.panes["settings-space"]
            yield self.panes["settings-loss"]


SCREEN = SettingsScreen
