"""TmsApp: the Textual shell. Keys, mouse, dialogs and a timer become messages; effects are carried out here.

What the app shows is in its Model, which only `update` makes anew. Many times a second the timer takes the
session's newest View, and shows the Model if it is another. Nothing is queued, so the screen is never behind.
"""

import asyncio
import contextlib
import dataclasses
import math
import os
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, assert_never

from rich.text import Text
from textual import events
from textual.app import App
from textual.binding import Binding
from textual.color import Color
from textual.driver import Driver
from textual.notifications import SeverityLevel
from textual.screen import Screen
from textual.timer import Timer

from tms_engine import crash, process
from tms_engine.errors import InputError, shortened, visible
from tms_engine.experiment import Experiment
from tms_engine.files import cannot, dated_name, free_name
from tms_engine.sweeps.spec import Spec
from tms_tui import compat, sweeping
from tms_tui import messages as m
from tms_tui.abilities import TRUECOLOR
from tms_tui.autoplay import Autoplay
from tms_tui.autosave import Autosave, InterruptedSession, discard
from tms_tui.compat import screen_lines
from tms_tui.copying import written_out
from tms_tui.drawing.ascii import ascii_text
from tms_tui.drawing.loss_chart import ChartColors
from tms_tui.drawing.modes import Mode
from tms_tui.export import Export, start_export, start_figures
from tms_tui.filming import Film, start_film
from tms_tui.keys import KEYS
from tms_tui.looking import Looking
from tms_tui.messages import Layout, Saved, copying
from tms_tui.messages.space import Before, LoadBefore, SpaceFound
from tms_tui.model import NOTHING_SAVED, Model
from tms_tui.panes.loss_plot import LossPlot
from tms_tui.panes.pointing import Chosen, PointedAt
from tms_tui.panes.settings_table import about_images
from tms_tui.panes.space_view import SpaceView
from tms_tui.panes.told import Told
from tms_tui.saving import (
    Job,
    find_levels,
    keep_settings,
    load_overlay,
    one_line,
    save_at_the_end,
    save_now,
    suggested,
)
from tms_tui.screens import FULL_SCREENS, full_screen_class
from tms_tui.screens.confirm import Confirm
from tms_tui.screens.copy import CopyChoice
from tms_tui.screens.doctor import DoctorScreen
from tms_tui.screens.experiment_form import ExperimentForm
from tms_tui.screens.export_form import ExportForm
from tms_tui.screens.full_screen import FullScreen
from tms_tui.screens.help import HelpScreen
from tms_tui.screens.resume import ResumeOffer
from tms_tui.screens.save_place import Place, SavePlace
from tms_tui.session import Session
from tms_tui.settings import Settings
from tms_tui.settings_state import SettingsState
from tms_tui.solids import find, pinned_from, wanted
from tms_tui.sweeping import SweepProcess
from tms_tui.themes import DARK, LIGHT
from tms_tui.update import update
from tms_tui.update.screens import beginning
from tms_tui.update.space import run_id
from tms_tui.view import View
from tms_tui.view_options import ViewOptions

if TYPE_CHECKING:
    from tms_tui.picture import SpacePicture
    from tms_tui.screens.finder import Finder
    from tms_tui.screens.jump import JumpMode

# Seconds in which the app ends when a signal asks for it, whatever happens.
_END = 3.0

# Seconds for which a view that is printed has not changed: the loss on fresh data gets better for a while.
_REST = 0.3

# Times a second at which the session is looked at, however few frames are drawn; and the least seconds from
# one look to the next where keys ask for it.
_TICKS, _LEAST_TICK = 30.0, 0.015
# Seconds for which the timer's frames wait for a key that is on its way: it goes from queue to queue, and a
# frame of a large model in between each time would make it late.
_ON_ITS_WAY = 0.06

# Seconds for which the screen waits for the training thread; in a longer step, the run is exported as it is
# shown.
_SHORTLY = 0.1

# Seconds of work that a kill may cost without a word about it.
_PROMISED = 10.0

# Seconds from one name of a solid to the next; or, up to so many, this many times as long as one takes.
_NAME_EVERY, _NAME_LONGEST, _NAME_REST = 0.25, 1.5, 4.0
# And from one that has failed, which is told.
_NAME_AGAIN = 60.0
# Seconds without a key before the first name: what it needs is loaded then, which holds up keys for a while.
_HANDS_OFF = 1.0

# Frames a second on a slow line.
LOW_FPS = 5.0

# Characters of a toast.
_LONGEST_TOAST = 400

_SCREENS: dict[type[Screen[Any]], m.ScreenName] = {
    HelpScreen: "help",
    DoctorScreen: "doctor",
    ExperimentForm: "experiment",
    ExportForm: "export",
    Confirm: "confirm",
    CopyChoice: "copy",
    SavePlace: "place",
    ResumeOffer: "resume",
}


if TYPE_CHECKING:
    from tms_tui.picture import SpacePicture


class TmsApp(App[None]):
    """The app: shows a session, and hands it what the keys ask for."""

    CSS_PATH = "tms_tui.tcss"
    TITLE = "tms-tui"
    ENABLE_COMMAND_PALETTE = False  # `screens/finder.py` is ours
    BINDINGS: ClassVar[list[Any]] = [
        Binding(key.keys, f"press({index})", key.help, show=bool(key.rank), key_display=key.display)
        for index, key in enumerate(KEYS)
        if not key.pane and not key.only
    ]

    def __init__(
        self,
        session: Session,
        *,
        name: str = "gist",
        mode: Mode = "braille",
        colors: int = TRUECOLOR,
        settings: Settings | None = None,
        options: ViewOptions | None = None,
        settings_state: SettingsState | None = None,
        warning: str = "",
        saved: Saved = NOTHING_SAVED,
        autosave: Autosave | None = None,
        first: m.FullScreenName = "dashboard",
        autoplay: Autoplay | None = None,
        shows: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
        names: bool = True,
    ) -> None:
        """Without an `autosave` nothing is saved unless the user asks for it, and no session is offered.
        Without `names`, nobody works out what solids are.

        `first` is the full screen that it opens on; `shows` is the sweep or the directory that this shows.
        """
        super().__init__()
        self.session = session
        settings = settings or Settings()
        state = settings_state or SettingsState(kept=settings)
        in_force = dataclasses.replace(settings, **dict(state.given))
        self.model = Model(
            view=session.view(),
            options=options
            or ViewOptions(
                palette="terminal" if colors <= 16 else settings.palette,
                turning=in_force.turning and not in_force.low_bandwidth,
                sides=in_force.sides,
                projector=in_force.projector,
            ),
            settings=settings,
            run_name=name,
            mode=mode,
            colors=colors,
            saved=saved,
            trail=(first,),
            autoplay=autoplay,
        )
        self._warning, self._clock = warning, clock
        if shows is not None:
            self.model = beginning(self.model, first, shows)
        self.crashed: Exception | None = None  # the error that has ended the app
        self.last_words = ""  # on what became of the run, where the app does not end as Textual's apps do
        self._exit_code = 0
        self._ended_by = 0  # the signal that has asked to end
        self._loop_of_app: asyncio.AbstractEventLoop | None = None
        self._is_asked = False  # whether anything but time calls for another frame
        self._ticks_soon = False  # whether a tick is under way that does not wait for the timer
        self._frame_due = -math.inf
        compat.tell_crash(self, self._on_crash)
        self._last_tick = clock()
        self._export: Export | None = None
        self._film: Film | None = None
        self._autosave = autosave
        self._jobs: list[Job] = []
        self._names = names
        self._picture: SpacePicture | None = None
        self._naming: tuple[Job, float] | None = None  # what finds names, and since when
        self._name_due = -math.inf
        self._names_are_loaded = False
        self._key_at = -math.inf
        self._frames_from = -math.inf  # no frame of the timer's before: later while a key is on its way
        self._looking = Looking()
        self._finder: Finder | None = None  # while it is open
        self._jumping: JumpMode | None = None  # as it was shown last
        self._sweeps: dict[Path, SweepProcess] = {}
        self._keeping: Job | None = None  # what writes the settings, and those that were written last
        self._tried = settings
        self._timer: Timer | None = None  # of ticks, and how many a second
        self._ticks = 0.0
        self._theme_is_new = True
        for theme in (DARK, LIGHT):
            self.register_theme(theme)
        if in_force.render == "image" and state.images.protocol is None:
            self._warning = self._warning or about_images(state)
        if settings.theme not in self.available_themes:
            self._warning = (
                self._warning or f"there is no theme {settings.theme}: M shows those that there are"
            )
        self.theme = settings.theme if settings.theme in self.available_themes else DARK.name
        # Ours first: which others there are is Textual's choice.
        themes = tuple(dict.fromkeys((DARK.name, LIGHT.name, *sorted(self.available_themes))))
        state = dataclasses.replace(state, theme=self.theme, themes=themes)
        self.model = dataclasses.replace(self.model, settings_state=state)

    def get_driver_class(self) -> type[Driver]:
        if sys.platform == "win32":
            return super().get_driver_class()
        from tms_tui.terminal.driver import TerminalDriver

        return TerminalDriver

    @property
    def ascii(self) -> bool:
        """Whether only ASCII may be shown."""
        return self.model.mode == "ascii"

    @property
    def n_colors(self) -> int:
        """How many colours the terminal has."""
        return self.model.colors

    @property
    def low_bandwidth(self) -> bool:
        """Whether the line is to be spared, for the driver."""
        return self.model.in_force.low_bandwidth

    @property
    def fps(self) -> float:
        """Frames a second of what moves, at most."""
        in_force = self.model.in_force
        return min(in_force.fps, LOW_FPS) if in_force.low_bandwidth else in_force.fps

    @property
    def mono(self) -> bool:
        """Whether there are no colours, so that what is in focus needs another mark."""
        return self.model.colors < 8

    def get_default_screen(self) -> Screen[None]:
        self.dashboard = self._full_screen("dashboard")
        return self.dashboard

    def _full_screen(self, name: m.FullScreenName) -> FullScreen:
        """A full screen, made when it is first shown, and kept as it is while another one is."""
        if not self.is_screen_installed(name):
            self.install_screen(full_screen_class(name)(self.model.mode, self.model.colors), name)
        found = self.get_screen(name)
        assert isinstance(found, FullScreen)
        return found

    @property
    def full_screen(self) -> FullScreen:
        """The full screen that is shown, perhaps under a dialog."""
        return next(screen for screen in reversed(self.screen_stack) if isinstance(screen, FullScreen))

    def _change_full_screen(self) -> None:
        """Show the one that the Model asks for, once no dialog lies over the one that is shown."""
        wanted = self.model.trail[-1]
        if isinstance(self.screen, FullScreen) and wanted != self.screen.FULL:
            # Not by `switch_screen`: the dashboard is the app's default screen, which stays.
            if self.screen is not self.dashboard:
                self.pop_screen()
            if wanted != "dashboard":
                self.push_screen(self._full_screen(wanted))
            self._ask()

    def on_mount(self) -> None:
        process.switch_threads_often()
        self._loop_of_app = asyncio.get_running_loop()
        self.call_after_refresh(self._begin)
        self._change_full_screen()
        if self._ended_by:
            self._terminate()
        self._set_timer()
        if self._warning:
            self.notify(self._warning, severity="warning")

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = False,
    ) -> None:
        """Show a toast. Its text is that and no markup: it may name a run, a path or what somebody typed."""
        super().notify(
            self._say(message),
            title=self._say(title),
            severity=severity,
            timeout=timeout,
            markup=False,
        )

    def _say(self, text: str) -> str:
        """A text as this terminal can show it, of a length that leaves room for the screen."""
        text = shortened(visible(text), _LONGEST_TOAST)
        return ascii_text(text) if self.ascii else text

    def _set_timer(self) -> None:
        ticks = max(self.fps, _TICKS)
        if ticks != self._ticks:
            if self._timer is not None:
                self._timer.stop()
            self._timer, self._ticks = self.set_interval(1 / ticks, self._tick_in_time), ticks

    def _begin(self) -> None:
        self.session.start()
        if self._autosave is not None:
            self._autosave.start()

    # Messages

    def send(self, message: m.Message) -> None:
        """Update the Model, and carry out the effects. Without a screen, as when the app ends, do nothing."""
        if not self.screen_stack:
            return
        layout = self._layout()
        laid_out: tuple[m.Effect, ...] = ()
        if layout != self.model.layout:
            self.model, laid_out = update(self.model, m.LayoutChanged(layout))
            self._is_asked = True
        before = self.model
        self.model, effects = update(self.model, message)
        if not isinstance(message, m.Tick):
            self._frames_from = -math.inf
            if self.model is not before:
                self._ask()
        for effect in laid_out + effects:
            self._carry_out(effect)
        if self.model.mode != before.mode:
            self._take_mode()
        if (
            self.model.settings is not before.settings
            or self.model.settings_state is not before.settings_state
        ):
            self._set_timer()
        self._change_full_screen()

    def _take_mode(self) -> None:
        """Draw with other characters, on all full screens that there are."""
        for name in FULL_SCREENS:
            if self.is_screen_installed(name):
                self._full_screen(name).take_mode(self.model.mode)

    def _ask(self) -> None:
        """Something else than time calls for a frame: draw it at once, but for floods of keys."""
        self._is_asked = True
        if not self._ticks_soon and self._loop_of_app is not None:
            self._ticks_soon = True
            self.call_later(self._tick_soon)

    def _tick_soon(self) -> None:
        self._ticks_soon = False
        if self._clock() > self._last_tick + _LEAST_TICK:
            self.tick(animates=False)

    def _tick_in_time(self) -> None:
        """A tick of the timer: an animation has its frames a second, and half a tick is no delay."""
        now = self._clock()
        if now < self._frames_from:
            return
        fps = self.fps
        is_due = now > self._frame_due - 0.5 / max(fps, _TICKS)
        if is_due:
            self._frame_due = max(self._frame_due, now) + 1 / fps
        self.tick(animates=is_due)

    def _layout(self) -> Layout:
        full = self.full_screen
        focused, maximized = full.focused, full.maximized
        return Layout(
            *self.size,
            focused=focused.id or "" if focused else "",
            maximized=maximized.id or "" if maximized else "",
            screen=full.FULL if self.screen is full else self._dialog(),
            across=full.across,
            page=full.page,
        )

    def _dialog(self) -> m.ScreenName:
        """The dialog that lies over the full screen."""
        if self._jumping is not None and self.screen is self._jumping:
            return "jump"
        return "finder" if self.screen is self._finder else _SCREENS.get(type(self.screen), "other")

    def tick(self, animates: bool = True) -> None:
        """Let time pass, and show the Model if it is another; unless it `animates`, only what was asked
        for.
        """
        if not self.is_running:  # the timer stops last, when the screens are gone
            return
        now = self._clock()
        passed, self._last_tick = now - self._last_tick, now
        if self._theme_is_new:
            self._theme_is_new = False
            self._take_theme()
        if self._export is not None:
            export = self._export
            progress = export.poll()
            if progress.finished:
                self._export = None
            self.send(m.ExportMoved(export.directory, progress))
        if self._film is not None:
            filmed = self._film.poll()
            if filmed.finished:
                self._film = None
            self.send(m.FilmMoved(filmed))
        for job in tuple(self._jobs):
            done, answer = job.poll()
            if done:
                self._jobs.remove(job)
                if answer is not None:
                    self.send(answer)
        for path, under_way in tuple(self._sweeps.items()):
            ended = under_way.poll()
            if ended is not None:
                del self._sweeps[path]
                self.send(m.phases.SweepEnded(path, ended))
        for seen in self._looking.follow(self.model):
            self.send(seen)
        if self._autosave is not None:
            self._look_at(self._autosave)
        if self._names:
            self._look_at_solids(now)
        self._look_at_settings()
        before = self.model.view
        self.send(m.Tick(self.session.view(), passed, self.session.waiting()))
        if self._finder is not None:
            self._finder.show_model(self.model)
        view = self.model.view
        if (view.note, view.phase, view.pace) != (before.note, before.phase, before.pace):
            self._is_asked = True
        # Where the line is slow, the next tick will do.
        if self._is_asked or (animates and not compat.is_busy(self)):
            self._is_asked = False
            self.full_screen.show(self.model, now)
            self._look_at_picture(now)

    def _look_at_solids(self, now: float) -> None:
        """Find the name of what is shown in a thread, a few times a second, more seldom if that is long."""
        if self._naming is not None:
            job, began = self._naming
            done, answer = job.poll()
            if not done:
                return
            rest = min(_NAME_REST * (now - began), _NAME_LONGEST)
            self._naming, self._name_due = None, max(began + _NAME_EVERY, now + rest)
            if isinstance(answer, m.Refused):  # not four times a second
                self._name_due = now + _NAME_AGAIN
            if answer is not None:
                if not self._names_are_loaded:  # once: garbage that is there now is kept with it
                    self._names_are_loaded = True
                    process.keep_what_is_loaded()
                self.send(answer)
        if now < self._name_due or self.model.view.phase in ("loading", "compiling"):
            return
        model = self.model
        if not self._names_are_loaded and now < self._key_at + _HANDS_OFF:
            return
        due = wanted(model.solids, model.shown, model.options.instance, run_id(model))
        if due is not None:
            self._naming = Job(lambda: SpaceFound(find(due))), now

    def _look_at_picture(self, now: float) -> None:
        """Where images were asked for, show the space as one; nothing of it is loaded before."""
        if self._picture is None and self.model.in_force.render == "image":
            from tms_tui.picture import SpacePicture

            self._picture = SpacePicture()
        if self._picture is not None:
            self._picture.follow(self, self.model, now)

    def _look_at_settings(self) -> None:
        """Write settings that have changed, in a thread, and once: what could not be written is tried again
        with the next change, and at the end.
        """
        if self._keeping is not None:
            done, answer = self._keeping.poll()
            if not done:
                return
            self._keeping = None
            if answer is not None:
                self.send(answer)
        wanted, kept = self.model.settings, self.model.settings_state.kept
        if wanted not in (self._tried, kept):
            self._tried = wanted
            self._keeping = Job(partial(keep_settings, wanted, kept))

    def _look_at(self, autosave: Autosave) -> None:
        autosave.name = self.model.run_name
        if autosave.error != self.model.unsaved:
            self.send(m.Autosaved(autosave.error))
        if autosave.at_risk > _PROMISED and not self.model.told_risk:
            self.send(m.SavesSlowly(autosave.at_risk))
        if autosave.found is not None and self.screen is self.full_screen:
            found, autosave.found = autosave.found, None
            self.send(m.SessionFound(found))

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Key):
            self._key_at = self._clock()
            if self._frames_from < self._last_tick:  # of keys that come all the time not each one
                self._frames_from = self._key_at + _ON_ITS_WAY
        await super().on_event(event)

    def action_press(self, index: int) -> None:
        self.send(KEYS[index].message)

    async def action_quit(self) -> None:
        """Textual's own action, if anything calls it, must not skip the question."""
        self.send(m.Quit())

    def on_space_view_turned(self, message: SpaceView.Turned) -> None:
        self.send(m.Drag(message.right, message.down))

    def on_space_view_zoomed(self, message: SpaceView.Zoomed) -> None:
        self.send(m.Zoom(message.direction))

    def on_chosen(self, message: Chosen) -> None:
        self.send(m.ChoosePair(message.feature, message.other))

    def on_pointed_at(self, message: PointedAt) -> None:
        self.send(m.PointedAt(message.thing, message.before))

    def on_loss_plot_asked(self, message: LossPlot.Asked) -> None:
        self.send(message.message)

    def on_told(self, told: Told) -> None:
        self.send(told.message)

    def watch_theme(self, _: str) -> None:
        self._theme_is_new = True  # Textual has not worked out its variables yet: see `tick`

    def _take_theme(self) -> None:
        """Take the theme and its colours into the Model."""
        variables = self.theme_variables

        def rgb(name: str) -> tuple[int, int, int]:
            return Color.parse(variables[name]).rgb

        ground, text = Color.parse(variables["background"]), Color.parse(variables["foreground"])
        colors = ChartColors(
            line=rgb("accent"),
            raw=ground.blend(text, 0.25).rgb,
            mean=rgb("secondary"),
            axis=ground.blend(text, 0.55).rgb,
            text=ground.blend(text, 0.9).rgb,
            mark=rgb("error"),
            cursor=rgb("success"),
            other=rgb("warning"),
        )
        self.send(m.ThemeChanged(self.theme, colors))

    # Effects

    def _carry_out(self, effect: m.Effect) -> None:
        match effect:
            case m.Command(name, arguments):
                getattr(self.session, name)(*arguments)
            case m.Toast(text, title, severity, seconds, alone):
                if alone:
                    self.clear_notifications()
                self.notify(text, title=title, severity=severity, timeout=seconds)
            case m.Focus(pane):
                self.full_screen.focus_pane(pane, self.model)
            case m.Maximize():
                self.full_screen.maximize_focused()
            case m.Minimize():
                self.full_screen.minimize()
            case m.OpenDialog(dialog, experiment):
                self._open(dialog, experiment)
            case m.Ask(question):
                self.push_screen(Confirm(question), lambda answer: self.send(m.Answered(answer or "stay")))
            case m.AskPlace(sentence, directory, drop):

                def placed(place: Place | None) -> None:
                    self.send(m.PlaceAnswered(place or "stay"))

                self.push_screen(SavePlace(sentence, directory, drop), placed)
            case m.AskResume(session):
                self.push_screen(
                    ResumeOffer(session),
                    lambda answer: self.send(m.ResumeAnswered(session, answer or "later")),
                )
            case m.Resume(session):
                self._jobs.append(Job(partial(self._resume, session)))
            case m.Discard(session):
                self._jobs.append(Job(partial(discard, session)))
            case m.StartExport():
                self._start_export(effect)
            case m.StartFilm():
                self._start_film(effect)
            case m.LoadOverlay(directory):
                self._jobs.append(Job(partial(load_overlay, directory)))
            case m.FindLevels(experiment, instance):
                self._jobs.append(Job(partial(find_levels, experiment, instance)))
            case m.WriteScreen(run_name):
                self._write_screen(run_name)
            case m.Save(run_name, directory):
                self._jobs.append(Job(partial(save_now, self.session, run_name, directory)))
            case m.SaveAtTheEnd(run_name, export):
                ended = save_at_the_end(self.session, run_name)
                said = "\n".join(filter(None, (visible(ended.sentence), export)))
                self._leave(said, not ended.saved, wait=0.25)
            case m.finding.Find(aim):
                self._find(aim)
            case m.finding.ShowJumps():
                self._jump()
            case LoadBefore(directory):
                self._jobs.append(Job(lambda: Before(pinned_from(directory))))
            case m.phases.StartSweep(spec, name):
                self._jobs.append(Job(partial(self._start_sweep, partial(sweeping.start, spec, name))))
            case m.phases.GoOnSweep(path):
                self._jobs.append(Job(partial(self._start_sweep, partial(SweepProcess, path))))
            case m.phases.StopSweep(path):
                if path in self._sweeps:
                    self._sweeps[path].stop()
            case m.runs.AskName(path):
                self._ask_name(path)
            case m.runs.AskDelete(path, what):
                self._ask_delete(path, what)
            case m.runs.OpenRun(path):
                self._jobs.append(Job(partial(_open_run, self.session, path)))
            case m.runs.RenameRun(path, name):
                self._jobs.append(Job(partial(_rename_run, path, name)))
            case m.runs.DeleteRun(path):
                self._jobs.append(Job(partial(_delete_run, path)))
            case m.runs.DrawFigures(path):
                self._draw_figures(path)
            case copying.WriteOut():
                self._jobs.append(Job(partial(written_out, self.session, effect)))
            case m.settings.TakeTheme(theme):
                self.theme = theme
            case copying.PutOnClipboard(text):
                self.copy_to_clipboard(text)
            case m.SuspendProcess():
                compat.suspend(self)
            case m.Leave(message, keep_session):
                self._leave(message, keep_session)
            case _:
                assert_never(effect)

    def _open(self, dialog: m.DialogName, experiment: Experiment | None) -> None:
        if dialog == "help":
            self.push_screen(
                HelpScreen(self.model.trail[-1], self.model.layout.focused, self.ascii),
                lambda _: self.send(m.HelpClosed()),
            )
        elif dialog == "doctor":
            self.push_screen(DoctorScreen(self.model.mode), lambda _: self.send(m.HelpClosed()))
        elif dialog == "copy":
            self.push_screen(CopyChoice(), lambda what: self.send(copying.CopyChosen(what)))
        elif dialog == "experiment":

            def chosen(wanted: Experiment | Spec | None) -> None:
                if isinstance(wanted, Spec):
                    self.send(m.phases.SweepChosen(wanted, "sweep"))
                else:
                    self.send(m.ExperimentChosen(wanted))

            self.push_screen(ExperimentForm(experiment or self.model.view.experiment), chosen)
        else:

            def decided(choice: m.ExportChoice | None) -> None:
                self.send(m.ExportChosen(choice))

            self.push_screen(ExportForm(suggested(self.model.run_name)), decided)

    def _find(self, aim: m.finding.Aim) -> None:
        from tms_tui.screens.finder import Finder

        def chosen(message: m.Message | None) -> None:
            self._finder = None
            self.send(m.finding.FinderClosed(message))

        self._finder = Finder(aim, self.model, tuple(sorted(self.available_themes)))
        self.push_screen(self._finder, chosen)

    def _jump(self) -> None:
        from tms_tui.screens.jump import JumpMode

        jumps = self.full_screen.jumps()
        self._jumping = JumpMode(jumps)
        self.push_screen(self._jumping, lambda message: self.send(m.finding.FinderClosed(message)))

    def _ask_name(self, path: Path) -> None:
        from tms_tui.screens.run_dialogs import NewName

        self.push_screen(NewName(path), lambda name: self.send(m.runs.Renamed(path, name)))

    def _ask_delete(self, path: Path, what: str) -> None:
        from tms_tui.screens.run_dialogs import AskWhetherToDelete

        self.push_screen(
            AskWhetherToDelete(what), lambda agreed: self.send(m.runs.Deleted(path, bool(agreed)))
        )

    def _start_sweep(self, start: Callable[[], SweepProcess]) -> m.Message:
        """In a thread: to lay a large sweep out takes a while."""
        try:
            process_of_sweep = start()
        except InputError as error:
            return m.phases.SweepRefused(str(error))
        self._sweeps[process_of_sweep.path] = process_of_sweep
        return m.phases.SweepStarted(process_of_sweep.path, process_of_sweep.pid)

    def _draw_figures(self, path: Path) -> None:
        line = self.model.runs.line
        experiment = getattr(line.entry, "experiment", None) if line else None
        try:
            self._export = start_figures(path, experiment.n_instances if experiment else 1)
        except InputError as error:
            self.send(m.Refused(str(error)))
            return
        self.send(m.ExportStarted(path, self.model.saved))

    def on_phase_view_chosen(self, message: Any) -> None:
        self.send(m.phases.PointAtCell(message.row, message.column))

    def on_runs_table_chosen(self, message: Any) -> None:
        self.send(m.runs.PointAtRun(message.place))

    def _resume(self, session: InterruptedSession) -> m.Message:
        """In a thread: of a session from another host, the lock is looked at for some seconds."""
        if self._autosave is not None:
            self._autosave.take_up(session)
        self.session.open(session.run, hold=session.run.parent != session.directory)
        return m.ResumeBegun(session)

    def _start_export(self, wanted: m.StartExport) -> None:
        try:
            run = self.session.run(_SHORTLY)
        except TimeoutError as error:
            self.send(m.Refused(f"cannot export: {error}; try again"))
            return
        if run is None:
            self.send(m.Refused("there is nothing to export yet", "warning"))
            return
        directory = wanted.directory or suggested(wanted.run_name)
        try:
            self._export = start_export(
                run,
                directory,
                camera=wanted.camera,
                instance=wanted.instance,
                axes=wanted.axes,
                step=wanted.step,
                dpi=wanted.dpi,
                formats=wanted.formats,
                take_next=wanted.directory is None,
            )
        except InputError as error:
            self.send(m.Refused(str(error)))
            return
        self.send(m.ExportStarted(directory, Saved(run.state.step, len(run.changes))))

    def _start_film(self, wanted: m.StartFilm) -> None:
        try:
            run = self.session.run(_SHORTLY)
            if run is None:
                raise InputError("there is nothing to film yet")
            space = self.dashboard.query_one("#space").size
            self._film = start_film(run, wanted, (space.width, space.height), self.model.mode)
        except (InputError, TimeoutError) as error:
            self.send(m.Refused(str(error)))
        else:
            self.send(m.FilmMoved(self._film.poll()))

    def _write_screen(self, run_name: str) -> None:
        from tms_engine.runs.places import absolute

        path = free_name(Path(), dated_name("tms-tui") + ".svg")
        try:
            absolute(path)
            path.write_text(self.export_screenshot(title=visible(f"tms-tui: {run_name}")), encoding="utf-8")
        except InputError as error:
            self.send(m.Refused(str(error)))
        except OSError as error:
            self.send(m.Refused(str(cannot(f"write {path}", error))))
        else:
            self.send(m.Done("The screen, as SVG", str(path)))

    # The end, if something else than a key asks for it. It comes, whatever state the app is in.

    def on_signal(self, number: int) -> None:
        """End the app in three seconds at most, and save the run if it would be lost; asked twice, at
        once.
        """
        if self._ended_by:
            self._last_resort()
            os._exit(128 + number)
        self._ended_by = number
        self._exit_code = 128 + number
        process.end_within(_END, self._last_resort, 128 + number)
        if self._loop_of_app is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                self._loop_of_app.call_soon_threadsafe(self._terminate)

    def on_terminal_lost(self) -> None:
        """The terminal is gone, whether or not a signal says so."""
        if not self._ended_by:
            self.on_signal(signal.SIGHUP)

    def on_interrupt(self) -> None:
        """Ctrl-C, which in a terminal in raw mode is a key."""
        self._exit_code = 128 + signal.SIGINT
        self.send(m.Interrupt())

    def _terminate(self) -> None:
        try:
            self.send(m.Terminated())
        except Exception as error:
            compat.crash(self, error)

    def _last_resort(self) -> None:
        """From any thread, where the app has not ended in time."""
        compat.restore_terminal(self)
        process.say_at_once("tms-tui: ended before the run could be saved")

    def _on_crash(self, error: Exception) -> None:
        """What nobody has foreseen ends the app: save the run first."""
        self.crashed = error

        def last() -> None:
            compat.restore_terminal(self)
            process.say_at_once(crash.report("tms-tui", error))

        process.end_within(_END, last, crash.EXIT_CODE)
        _, effects = update(self.model, m.Terminated())
        for effect in effects:
            if isinstance(effect, m.SaveAtTheEnd):
                self.last_words = save_at_the_end(self.session, effect.run_name).sentence

    def _leave(self, message: str, keep_session: bool = False, wait: float = 1.0) -> None:
        """End; wait at most so many seconds for an autosave that is under way."""
        for under_way in (self._export, self._film):
            if under_way is not None:
                under_way.cancel()
        self._looking.stop()
        if self._autosave is not None:
            self._autosave.close(keep_session, wait)
        self.session.stop()
        self._take_theme()
        self.send(m.Tick(self.session.view(), 0.0))  # the pace in force at the end goes into the settings
        keep_settings(self.model.settings, self.model.settings_state.kept)
        said = "\n".join(map(visible, message.split("\n")))
        self.exit(
            return_code=self._exit_code,
            message=Text(said, no_wrap=True, overflow="ignore") if said else None,
        )

    async def one_frame(self, size: tuple[int, int], train: bool = True) -> tuple[str, str]:
        """The screen that it opens on as text without a terminal, and the error if there is one.

        With `train`, when the run has been trained to its end; but a run that another process trains is shown
        as it was saved last.
        """
        options = dataclasses.replace(self.model.options, turning=False)
        self.model = dataclasses.replace(self.model, options=options)
        async with self.run_test(size=size) as pilot:
            while (view := self.session.view()).phase == "loading":
                await asyncio.sleep(0.05)
            if train and view.following is None:
                self.session.run_to_end()
            self.tick()  # asks for what the screen shows beside the run
            before = None
            while not (
                (view := self.session.view()) is before
                and _at_rest(view, train, self._counts())
                and self.is_named()
            ):
                before = view
                await asyncio.sleep(_REST)
            self.tick()
            await pilot.pause()
            lines = [line.rstrip() for line in screen_lines(self)]
        return "\n".join(lines).rstrip(), view.error if view.phase == "failed" else ""

    def is_named(self) -> bool:
        """Whether what is shown has its name, or is not to have one soon."""
        model = self.model
        due = wanted(model.solids, model.shown, model.options.instance, run_id(model))
        return not self._names or due is None or self._name_due > self._clock() + _NAME_LONGEST

    def _counts(self) -> bool:
        """Whether the screen shows a census."""
        return self.model.population.watched[0]


def _open_run(session: Session, path: Path) -> m.Message:
    """In a thread, as what follows: the disk, and the training thread, may take long."""
    from tms_engine.runs import peek

    try:
        session.show(path)
    except Exception as error:
        return m.runs.RunNotOpened(one_line(error))
    try:
        saved = peek(path)
    except InputError:  # it has begun, and nothing is saved yet
        return m.runs.RunOpened(path, 0, 0)
    return m.runs.RunOpened(path, saved.step, saved.n_changes)


def _rename_run(path: Path, name: str) -> m.Message:
    from tms_engine.sweeps.listing import rename

    now = rename(path, name)
    return m.runs.RunMoved(path, now, f"{path.name} is {now.name} now")


def _delete_run(path: Path) -> m.Message:
    from tms_engine.sweeps.listing import remove

    left = remove(path)
    also = f"; left in it: {', '.join(one.name for one in left[:5])}" if left else ""
    return m.runs.RunMoved(path, None, f"{path.name} is deleted{also}")


def _at_rest(view: View, train: bool, counts: bool) -> bool:
    """Whether a run is as far as it gets by itself."""
    if view.phase in ("diverged", "failed"):
        return True
    if view.phase == "finished" or view.following is not None or (view.phase == "paused" and not train):
        counted = not counts or (view.census is not None and view.census.step == view.step)
        return view.snapshot is not None and view.evaluation_step == view.step and counted
    return False
