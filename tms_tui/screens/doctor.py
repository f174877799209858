"""What `tms doctor` says, in the app: versions, the device, what the terminal can show, where files are."""

import asyncio
from collections.abc import Iterator
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Static

from tms_tui.drawing.modes import Mode
from tms_tui.screens.modal import Page


class DoctorScreen(Page):
    """The report, made in a thread, for it may load a library. Any of D q escape enter closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("D,q,escape,enter", "close", "close")]

    DEFAULT_CSS = """
    DoctorScreen > .box { width: 100%; max-width: 120; height: auto; }
    """

    def __init__(self, mode: Mode) -> None:
        super().__init__()
        self._mode = mode

    def compose(self) -> Iterator[Widget]:
        with VerticalScroll(classes="box") as box:
            box.border_title = "This machine"
            box.border_subtitle = "esc closes; `tms doctor` prints it"
            yield Static("looking ...", id="report", markup=False)

    def on_mount(self) -> None:
        self.run_worker(self._look())

    async def _look(self) -> None:
        from tms_tui.doctor import page

        text = await asyncio.to_thread(page, self._mode)
        if self.is_attached:
            self.query_one("#report", Static).update("\n".join(map(self.say, text.splitlines())))
