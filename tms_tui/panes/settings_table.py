"""The settings, a line each: the value, and where that comes from; and the chosen one in words."""

from typing import Any, ClassVar

from textual import events
from textual.binding import BindingType
from textual.content import Content

from tms_engine.errors import visible
from tms_tui.drawing.ascii import ascii_text
from tms_tui.drawing.modes import Mode
from tms_tui.explain import TERMS, Term
from tms_tui.memo import Memo
from tms_tui.messages.settings import PointAtSetting
from tms_tui.model import Model
from tms_tui.panes import Pane
from tms_tui.panes.pane_keys import pane_bindings
from tms_tui.panes.run_bar import rate_text
from tms_tui.panes.text import Text, cut
from tms_tui.panes.told import Told
from tms_tui.settings_state import ROWS, SettingsState

# Cells of a row: of the mark before it, its name, and its value between two arrows.
_MARK, _NAME, _VALUE = 2, 15, 24


class SettingsTable(Pane, Text, can_focus=True):
    """One row a setting. A click on the arrows beside a value changes it."""

    BINDINGS: ClassVar[list[BindingType]] = pane_bindings("settings")
    DEFAULT_CSS = "SettingsTable { text-wrap: nowrap; text-overflow: clip; }"

    def __init__(self, mode: Mode, **options: Any) -> None:
        super().__init__(**options)

    def title_of(self, model: Model) -> str:
        return (
            f"Settings {model.symbols.dash} {model.settings_state.path or 'kept nowhere: no home directory'}"
        )

    def show_model(self, model: Model, memo: Memo) -> None:
        self.show(Content("\n").join(_line(model, name) for name in ROWS))

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        if offset is None:
            return
        place = offset.x - _MARK - _NAME
        on_value = 0 <= place < _VALUE
        self.post_message(Told(PointAtSetting(offset.y, (-1 if place < 2 else 1) if on_value else 0)))


class SettingsAbout(Pane, Text, can_focus=False):
    """The chosen setting in words, and what is wrong."""

    def __init__(self, mode: Mode, **options: Any) -> None:
        super().__init__(**options)

    def title_of(self, model: Model) -> str:
        return term_of(model.settings_state.chosen).sign

    def show_model(self, model: Model, memo: Memo) -> None:
        state = model.settings_state
        said = [term_of(state.chosen).text, *_more(model, state.chosen)]
        text = "\n".join(visible(line) for line in said if line)
        parts: list[Any] = [ascii_text(text) if model.mode == "ascii" else text]
        if state.trouble:
            parts.append((f"\n{visible(state.trouble)}", "$text-error"))
        self.show(Content.assemble(*parts))


def term_of(name: str) -> Term:
    """The explanation of a setting; that of the pace in force is another one."""
    return TERMS["lasting pace" if name == "pace" else name]


def _line(model: Model, name: str) -> Content:
    chosen, signs = name == model.settings_state.chosen, model.symbols
    say = ascii_text if model.mode == "ascii" else str
    before, after = ("<", ">") if model.mode == "ascii" else ("‹", "›")
    value = cut(value_text(model, name), _VALUE - 5, signs.ellipsis.strip())
    arrows = (before, after) if name != "colors" else (" ", " ")
    shown = f"{arrows[0]} {value} {arrows[1]}".ljust(_VALUE)
    line = Content.assemble(
        f"{signs.pointer if chosen else ' '} {say(term_of(name).sign):<{_NAME}}",
        (shown, "bold $accent" if chosen else "bold"),
        (say(source(model, name)), "$text-muted"),
    )
    return line.stylize("bold") if chosen else line


def value_text(model: Model, name: str) -> str:
    """The value that is in force, in words."""
    if name == "colors":
        known = {2: "none", 1 << 24: "16.8 million"}
        return known.get(model.colors, str(model.colors))
    value = getattr(model.in_force, name)
    if name == "pace":
        return rate_text(value) if value < float("inf") else "no limit"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name == "render" and value in ("auto", "image"):
        return f"{value}: {model.mode}" if value == "auto" else value
    return f"{value:g}" if isinstance(value, float) else str(value)


def source(model: Model, name: str) -> str:
    """Where the value that is in force comes from, in a word or two."""
    state, lasting = model.settings_state, model.settings
    if name == "colors":
        return "environment"
    now, given = getattr(model.in_force, name), dict(state.given)
    if name in given and given[name] == now:
        return "command line"
    if now != getattr(lasting, name):
        return "environment" if now == "terminal" else "for this start"
    if getattr(lasting, name) != getattr(state.kept, name):
        return "not written" if state.trouble else "settings.toml"
    return "settings.toml" if name in state.names else "default"


def _more(model: Model, name: str) -> list[str]:
    """What is to be said of the value of a setting here."""
    state, now = model.settings_state, source(model, name)
    lines = []
    if name == "colors":
        return [state.colors]
    if name == "render":
        lines.append(f"Here auto takes {state.auto.mode}, {state.auto.because}.")
        if model.in_force.render == "image":
            lines.append(about_images(state))
    if now == "command line":
        lines.append("Given on the command line, for this start; a change here lasts.")
    elif now == "for this start":
        lines.append(f"It is so for this start; what lasts is {_lasting(model, name)}. A change here lasts.")
    elif now == "environment":
        lines.append("The terminal has 16 colours or fewer, so it has its own.")
    return lines


def about_images(state: SettingsState) -> str:
    """How pictures are sent here, or that none can be, in a sentence."""
    if state.images.protocol is None:
        return (
            f"No image can be shown here, so it is characters: {state.images.because}. kitty, iTerm2, "
            "WezTerm and foot can; TMS_IMAGE=kitty, iterm2 or sixel names another terminal's way."
        )
    return f"Images are sent by {state.images.protocol}'s protocol, {state.images.because}."


def _lasting(model: Model, name: str) -> str:
    value = getattr(model.settings, name)
    return ("yes" if value else "no") if isinstance(value, bool) else f"{value}"


PANE = SettingsTable
