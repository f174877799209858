"""The experiment form: every field of Experiment with its help, presets on top.

No field is named here: rows come from `Experiment.model_fields`, values go to `Experiment` as text, as from
the command line, and its errors are shown under the field that they name. A field that is added to Experiment
appears here.
"""

from collections.abc import Iterator
from typing import Any, ClassVar

from pydantic.fields import FieldInfo
from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, Input, Label, Select

from tms_engine.errors import InputError, visible
from tms_engine.experiment import Experiment, choices
from tms_engine.presets import PRESETS
from tms_engine.sweeps.spec import Spec
from tms_tui.form_sweep import about_sweep, tried
from tms_tui.screens.modal import Body, Choice, Modal, Tick

# Values of a list that are written out.
_WRITTEN = 200

# What `compact` comes to. Where it is there from the start, nothing is styled twice.
_COMPACT = "-textual-compact"

# Columns of a field's name, and of its input.
_NAME, _INPUT = 21, 22

# Lines of the box besides the fields: border, preset and blank, foot; and two for an error's sentence.
_LINES_AROUND = 8


def text_of(value: Any) -> str:
    """A field's value as one would type it: lists with commas, so that `Experiment` reads the same back."""
    if value is None:
        return ""
    if isinstance(value, tuple):
        nested = bool(value) and isinstance(value[0], tuple)
        return ";".join(map(text_of, value)) if nested else ",".join(repr(v) for v in value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def shown_texts(experiment: Experiment) -> dict[str, str]:
    """All fields of an experiment as one would type them, but of a long list what it is: a million values
    would fill the form for minutes.
    """
    return {name: _shown_text(getattr(experiment, name)) for name in Experiment.model_fields}


def _shown_text(value: Any) -> str:
    if isinstance(value, tuple) and value:
        nested = isinstance(value[0], tuple)
        if (sum(map(len, value)) if nested else len(value)) > _WRITTEN:
            what = f"lists of {len(value[0]):,}" if nested else "values"
            return f"{len(value):,} {what}, {text_of(value[0][:3] if nested else value[:3])} ..."
    return text_of(value)


def preset_of(experiment: Experiment) -> str | None:
    """The name of the preset that this experiment is, if it is one."""
    return next((name for name, preset in PRESETS.items() if preset.experiment == experiment), None)


class Row(Widget):
    """One field: its mark if changed, name, value and help; below it what is wrong with it, if anything.

    The row draws all of that itself, and has a control only from the first time that it is edited: a form of
    that many inputs took half a second of the processor to open.
    """

    def __init__(self, field: str, info: FieldInfo, text: str, help: str) -> None:
        super().__init__(id=f"field-{field}", classes="row")
        self.field = field
        self.help = help  # what is told now
        self._help = help
        self._text = text
        self._told: tuple[str, str | None] = ("", None)
        self.control: Choice | Tick | Input | None = None
        if info.annotation is bool:
            self.control = Tick(value=text == "true")

    def compose(self) -> Iterator[Widget]:
        if self.control is not None:
            yield self.control

    async def edit(self) -> Widget:
        """The control, which is there from now on."""
        if self.control is None:
            if choices(self.field):
                options = [(option, option) for option in choices(self.field)]
                self.control = Choice(
                    options, value=self._text, allow_blank=False, compact=True, classes=_COMPACT
                )
            else:
                self.control = Input(self._text, compact=True, select_on_focus=True, classes=_COMPACT)
            await self.mount(self.control, before=0 if self.wrong else None)
            self.refresh()
        return self.control

    async def on_click(self) -> None:
        control = await self.edit()
        self.screen.set_focus(control)
        if isinstance(control, Choice):
            control.action_show_overlay()

    def render(self) -> Content:
        mark = "  " if self._told[1] is None else "* "
        name = Content.styled(f"{mark}{self.field}".ljust(_NAME), "")
        narrow = self.screen.has_class("-narrow")
        width = max(0, self.size.width - _NAME) if narrow else _INPUT
        value = Content(" " * width) if self.control else self._value(width)
        if narrow:
            return Content.assemble(name, value)
        help = Content.styled(self.help, "not bold $foreground 60%")
        help = help.truncate(self.size.width - _NAME - _INPUT - 2, ellipsis=self._can_ellipsis)
        return Content.assemble(name, value, "  ", help)

    def _value(self, width: int) -> Content:
        """The value in the colours of an input, with the arrow of a choice."""
        arrow = "" if not choices(self.field) else "▼ " if self._can_ellipsis else "v "
        text = Content(visible(self._text)).truncate(width - len(arrow), ellipsis=self._can_ellipsis)
        blank = " " * (width - len(arrow) - text.cell_length)
        return Content.assemble(text, blank, arrow).stylize(
            f"not bold $foreground on {'$error 30%' if self.wrong else '$boost'}"
        )

    @property
    def _can_ellipsis(self) -> bool:
        return not self.screen.has_class("-ascii")

    @property
    def text(self) -> str:
        """What is in the input now."""
        if isinstance(self.control, Tick):
            return text_of(self.control.value)
        if isinstance(self.control, Choice):  # no selection: it is not mounted yet
            return self.control.selection or self._text
        return self._text if self.control is None else self.control.value

    @text.setter
    def text(self, text: str) -> None:
        if text == self.text:
            return
        self._text = text
        if isinstance(self.control, Tick):
            self.control.value = text == "true"
        elif self.control is not None:
            self.control.value = text
        self.refresh()

    @property
    def wrong(self) -> str:
        """What is told to be wrong; "": nothing."""
        return self._told[0]

    def tell(self, error: str, before: str | None) -> None:
        """Show what is wrong ("": nothing), and, if it is changed, the value before."""
        if self._told == (error, before):  # most rows, at most keys
            return
        told, self._told = self._told[0], (error, before)
        if before is None:
            self.help = self._help
        elif len(before) > 24:
            self.help = f"Was {before[:20]} and so on. {self._help}"
        else:
            self.help = f"Was {before}. {self._help}"
        self.set_class(before is not None, "-changed")
        self.set_class(bool(error), "-wrong")
        if error and not told:
            self.mount(Label(error, classes="wrong", markup=False))
        elif error:
            self.query_one(".wrong", Label).update(error)
        elif told:
            self.query(".wrong").remove()
        self.refresh()


class ExperimentForm(Modal["Experiment | Spec | None"]):
    """Returns the experiment to start, or None if it is left without a change."""

    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012  # Textual declares it so
        (0, "-narrow"),
        (76, "-normal"),
        (118, "-wide"),
    ]

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "start", "start"),
        Binding("enter", "start", "start", show=False),
        Binding("escape", "leave", "leave"),
        Binding("up,shift+tab", "move(-1)", show=False),
        Binding("down,tab", "move(1)", show=False),
    ]

    DEFAULT_CSS = """
    ExperimentForm {
        background: $background;
        & > .box { width: 100%; max-width: 130; height: 100%; }
        #top { height: 1; margin: 0 0 1 0; }
        #top Label { width: 21; padding: 0 0 0 2; text-style: bold; }
        #top Choice { width: 1fr; }
        #rows { height: 1fr; }
        Row { height: auto; text-wrap: nowrap; text-overflow: clip; }
        Row.-changed { color: $text-accent; text-style: bold; }
        Row:focus-within { color: $text-primary; text-style: bold; }
        Row.-wrong { color: $text-error; text-style: bold; }
        Row Input, Row Choice, Row Tick { width: 22; margin: 0 0 0 21; }
        Row.-wrong Input { background: $error 30%; }
        Row .wrong { width: 100%; height: auto; padding: 0 0 0 21; text-style: not bold; }
        #help { width: 100%; height: 2; padding: 0 2; color: $text-muted; }
        #foot { height: 2; }
        #what { width: 1fr; padding: 0 0 0 2; }
        #what.-wrong { color: $text-error; }
        &.-narrow Row Input, &.-narrow Row Choice, &.-narrow Row Tick { width: 1fr; }
        &.-narrow Row .wrong { padding: 0 0 0 4; }
        &.-wide #help { display: none; }
    }
    """

    def __init__(self, current: Experiment) -> None:
        super().__init__()
        self._current = current
        self._before = shown_texts(current)
        self._experiment: Experiment | None = current
        self._sweep: Spec | None = None
        self._rows = {
            name: Row(name, info, self._before[name], self.say(info.description or ""))
            for name, info in Experiment.model_fields.items()
        }

    def compose(self) -> Iterator[Widget]:
        # As the first resize will find it: a class of the screen that comes later styles all widgets anew.
        width = self.app.size.width
        self.add_class(
            [name for least, name in self.HORIZONTAL_BREAKPOINTS if width >= least][-1], update=False
        )
        presets = [(self.say(f"{name:<13} {preset.description}"), name) for name, preset in PRESETS.items()]
        with Vertical(classes="box") as box:
            box.border_title = "Experiment"
            box.styles.max_height = len(self._rows) + _LINES_AROUND
            with Horizontal(id="top"):
                yield Label("preset", markup=False)
                yield Choice(presets, prompt="none: choose to fill in all fields", compact=True, id="presets")
            with Body(id="rows"):
                yield from self._rows.values()
            yield Label(id="help", markup=False)
            with Horizontal(id="foot"):
                yield Label(id="what", markup=False)
                yield Button("Start ^s", id="start", variant="primary", compact=True)
                yield Button("Leave esc", id="leave", compact=True)

    def on_mount(self) -> None:
        self._check()

    @on(Input.Changed)
    @on(Tick.Changed)
    @on(Select.Changed, ".row Select")
    def _check(self) -> None:
        """Read the whole form, and show what is wrong, what is changed and what Start would do."""
        edited = {name: row.text for name, row in self._rows.items() if row.text != self._before[name]}
        wrong, changed = InputError(""), set(edited)
        try:
            # What is as it was shown keeps its value, which a long list's text does not have.
            self._experiment = Experiment(**{**dict(self._current), **edited})
            changed = {name for name in edited if self._is_changed(name)}  # 1e-2 is no change of 0.01
        except InputError as error:
            self._experiment, wrong = None, error
        self._sweep = None
        if self._experiment is None:
            self._sweep, wrong = tried(self._current, edited, wrong)
        if self._sweep is not None:
            wrong = InputError("")
        for name, row in self._rows.items():
            row.tell(
                self.say(str(wrong)) if name == wrong.field else "",
                self._before[name] if name in changed else None,
            )
        what = self.query_one("#what", Label)
        can_start = self._experiment is not None or self._sweep is not None
        what.set_class(not can_start, "-wrong")
        said = (
            about_sweep(self._sweep)
            if self._sweep
            else _what_start_does(self._experiment, wrong, len(changed))
        )
        what.update(self.say(said))
        self.query_one("#start", Button).disabled = not can_start
        self._show_preset()
        self._show_help()

    def _is_changed(self, name: str) -> bool:
        return bool(getattr(self._experiment, name) != getattr(self._current, name))

    def _show_preset(self) -> None:
        presets = self.query_one("#presets", Choice)
        name = self._experiment and preset_of(self._experiment)
        with self.prevent(Select.Changed):  # it follows the fields; only a choice by the user fills them in
            presets.value = name or Select.NULL

    @on(Select.Changed, "#presets")
    def _fill(self) -> None:
        name = self.query_one("#presets", Choice).selection
        if name is None:
            return
        with self.prevent(Input.Changed, Tick.Changed, Select.Changed):
            for field, text in shown_texts(PRESETS[name].experiment).items():
                self._rows[field].text = text
        self._check()

    async def action_move(self, by: int) -> None:
        """To the next field or button, or back. A row's control is made when the focus comes to it."""
        stops = [
            self.query_one("#presets"),
            *self._rows.values(),
            *(button for button in self.query("#foot Button") if not button.disabled),
        ]
        here = next((i for i, stop in enumerate(stops) if stop.has_focus or stop.has_focus_within), -1)
        stop = stops[(here + by) % len(stops)]
        if isinstance(stop, Row):
            stop.scroll_visible(animate=False)
        self.set_focus(await stop.edit() if isinstance(stop, Row) else stop)

    def on_descendant_focus(self) -> None:
        self._show_help()

    def _show_help(self) -> None:
        row = next((row for row in self._rows.values() if row.has_focus_within), None)
        help = row.help if row else "A preset fills in all fields."
        self.query_one("#help", Label).update(help)

    @on(Input.Submitted)
    @on(Button.Pressed, "#start")
    async def action_start(self) -> None:
        if self._experiment is not None or self._sweep is not None:
            self.dismiss(self._experiment or self._sweep)
        else:
            wrong = next((row for row in self._rows.values() if row.has_class("-wrong")), None)
            if wrong:
                self.set_focus(await wrong.edit())

    @on(Button.Pressed, "#leave")
    def action_leave(self) -> None:
        self.dismiss(None)


def _what_start_does(experiment: Experiment | None, wrong: InputError, n_changed: int) -> str:
    if experiment is None:
        return f"Cannot start: see {wrong.field}." if wrong.field else f"Cannot start: {wrong}"
    if not n_changed:
        return "No change: trains it again from step 0."
    changes = "1 change" if n_changed == 1 else f"{n_changed} changes"
    size = f"{experiment.n_features:,} features in {experiment.n_hidden:,} dimensions"
    return f"{changes}: trains {size}, {experiment.steps:,} steps."
