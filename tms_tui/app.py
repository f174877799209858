"""TmsApp: a session, ViewOptions, and the actions by which keys change them.

The screen polls: many times a second it takes the session's newest View, and draws if that or the options
have changed. Nobody queues, so the screen is never behind.
"""

import asyncio
import dataclasses
import math
import signal
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from textual.app import App, SystemCommand
from textual.binding import Binding
from textual.driver import Driver
from textual.geometry import Size
from textual.screen import Screen

from tms_engine.analysis.projection import HOME
from tms_engine.errors import InputError
from tms_engine.experiment import Experiment
from tms_tui import settings as stored
from tms_tui.ansi_minimizer import minimize_ansi
from tms_tui.compat import filtering_driver, screen_lines
from tms_tui.drawing.modes import Mode
from tms_tui.export import Export, Format, new_directory, start_export
from tms_tui.keys import KEYS
from tms_tui.pace import next_pace
from tms_tui.panes.features_table import FeaturesTable
from tms_tui.panes.loss_plot import LossPlot
from tms_tui.panes.space_view import SpaceView
from tms_tui.screens.confirm_quit import ConfirmQuit
from tms_tui.screens.dashboard import Dashboard, Shown
from tms_tui.screens.experiment_form import ExperimentForm
from tms_tui.screens.export_form import ExportChoice, ExportForm
from tms_tui.screens.help import HelpScreen
from tms_tui.session import Session
from tms_tui.settings import Settings
from tms_tui.space_scene import axes_of
from tms_tui.themes import DARK, LIGHT
from tms_tui.view import View
from tms_tui.view_options import (
    COLORINGS,
    DATA,
    FEATURE_PALETTES,
    GUIDES,
    POINTS,
    PROJECTIONS,
    TOUR_SPEED,
    TURN_SPEED,
    ViewOptions,
    cycle,
)

# Degrees that an arrow turns, and that dragging by one cell does.
_TURN, _DRAG = 6.0, 3.0
_ZOOM = 1.15

# Seconds from one drawing of what stands beside the space to the next, in training. Nobody reads faster.
_BESIDE_EVERY = 0.1

# Seconds for which the training thread may keep the interpreter to itself. Python's own 5 ms, many times a
# frame, can be seen.
_SWITCH = 0.0005

# A run is worth a question before it is lost when it trained for longer than this, in seconds.
_WORTH_SAVING = 60.0


class Saved(NamedTuple):
    """How much of the run is on disk."""

    step: int
    changes: int


NOTHING = Saved(0, 0)


class Beside(NamedTuple):
    """All on which the panes beside the space depend."""

    view: View
    look: ViewOptions  # but for what moves by itself
    exporting: str
    sizes: tuple[Size, ...]  # of the panes, which follow the screen's when they have been laid out


class TmsApp(App[None]):
    """The app: shows a session, and hands it what the keys ask for."""

    CSS_PATH = "tms_tui.tcss"
    TITLE = "tms-tui"
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[Any]] = [
        Binding(key.keys, key.action, key.help, show=bool(key.rank), key_display=key.display)
        for key in KEYS
        if key.pane in ("", "space")
    ]

    def __init__(
        self,
        session: Session,
        *,
        name: str = "gist",
        mode: Mode = "braille",
        settings: Settings | None = None,
        look: ViewOptions | None = None,
        fps: float = 30.0,
        warning: str = "",
        saved: Saved = NOTHING,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self.session = session
        self.name_of_run = name
        self.mode: Mode = mode
        self.settings = settings or Settings()
        self.look = look or ViewOptions(palette=self.settings.palette)
        self._fps, self._warning, self._clock = fps, warning, clock
        self._last_tick = clock()
        # What the space shows, and what stands beside it.
        self._drawn: tuple[View, ViewOptions] | None = None
        self._drawn_beside: Beside | None = None
        self._drawn_beside_at = -math.inf
        self._export: Export | None = None
        self._saved = self._exported = saved
        for theme in (DARK, LIGHT):
            self.register_theme(theme)
        self.theme = self.settings.theme if self.settings.theme in self.available_themes else DARK.name

    def get_driver_class(self) -> type[Driver]:
        base = super().get_driver_class()
        if sys.platform == "win32":  # there Textual cuts what it writes into pieces, codes and all
            return base

        return filtering_driver(base, minimize_ansi)

    @property
    def ascii(self) -> bool:
        """Whether only ASCII may be shown."""
        return self.mode == "ascii"

    def get_default_screen(self) -> Screen[None]:
        self.dashboard = Dashboard(self.mode)
        return self.dashboard

    def on_mount(self) -> None:
        sys.setswitchinterval(_SWITCH)
        self.call_after_refresh(self.session.start)
        if not self.is_headless:
            for number in (signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])):
                asyncio.get_running_loop().add_signal_handler(number, self._end)
        self.set_interval(1 / self._fps, self.tick)
        if self._warning:
            self.notify(self._warning, severity="warning")

    # What is on the screen

    def tick(self) -> None:
        """Let time pass: turn what turns, and draw if anything has changed."""
        if not self.is_running:  # the timer stops last, when the screens are gone
            return
        now = self._clock()
        passed, self._last_tick = min(now - self._last_tick, 0.25), now
        view = self.session.view()
        if view.experiment.n_instances <= self.look.instance:
            self.look_as(instance=0)
        if self.look.feature is not None and view.experiment.n_features <= self.look.feature:
            self.look_as(feature=None)
        if self.look.turning and view.snapshot is not None and self.screen is self.dashboard:
            if view.experiment.n_hidden > 3 and self.look.projection == "grand tour":
                self.look_as(tour_time=self.look.tour_time + TOUR_SPEED * passed)
            if view.experiment.n_hidden > 2:
                self.see_from(yaw=self.look.camera.yaw + TURN_SPEED * passed)
        self._follow_export()
        self.draw(view)

    def draw(self, view: View) -> None:
        """Show this View, unless it is shown already."""
        if not self.dashboard.composed:
            return
        drawn, still = self._drawn, self._drawn_beside
        look = dataclasses.replace(self.look, camera=HOME, tour_time=0.0)
        beside = Beside(view, look, self.dashboard.exporting, self.dashboard.sizes())
        if drawn is None or drawn[0] is not view or drawn[1] != self.look:
            self._drawn = (view, self.look)
            self.dashboard.show_space(view, self.look, self.shown(view))
        if still is not None and still.view is view and still[1:] == beside[1:]:
            return
        now = self._clock()
        hurried = (
            still is not None and still.view.phase == view.phase == "training" and still[1:] == beside[1:]
        )
        if not hurried or now - self._drawn_beside_at >= _BESIDE_EVERY:
            self._drawn_beside, self._drawn_beside_at = beside, now
            self.dashboard.show_beside(view, self.look, self.shown(view), self.name_of_run)

    def shown(self, view: View) -> Shown | None:
        """The weights to show: kept ones where the look goes back, else those of now."""
        if view.snapshot is None:
            return None
        if self.look.step is not None:
            kept = self.session.weights_at(self.look.step)
            if kept is not None:
                return Shown(kept.step, kept.weights, kept.bias)
        return Shown(view.snapshot.step, view.snapshot.weights, view.snapshot.bias)

    def look_as(self, **fields: Any) -> None:
        self.look = dataclasses.replace(self.look, **fields)

    def see_from(self, **fields: Any) -> None:
        self.look_as(camera=dataclasses.replace(self.look.camera, **fields))

    def watch_theme(self, _: str) -> None:
        self._drawn = self._drawn_beside = None  # the loss takes its colours from the theme

    # Time

    def action_toggle_pause(self) -> None:
        if self.session.view().phase in ("training", "compiling"):
            self.session.pause()
        else:
            self.session.resume()

    def action_step_once(self) -> None:
        self.look_as(step=None)
        self.session.step_once()

    def action_slower(self) -> None:
        self._set_pace(-1)

    def action_faster(self) -> None:
        self._set_pace(1)

    def _set_pace(self, direction: int) -> None:
        pace = next_pace(self.session.view().pace, direction)
        self.session.set_pace(pace)
        self.settings = dataclasses.replace(self.settings, pace=pace)

    def action_run_to_end(self) -> None:
        self.look_as(step=None)
        self.session.run_to_end()

    def action_restart(self) -> None:
        self._restart(self.session.view().experiment)

    def action_reseed(self) -> None:
        experiment = self.session.view().experiment
        self._restart(experiment.replace(seed=(experiment.seed + 1) % 2**63))

    def _restart(self, experiment: Experiment) -> None:
        self._saved = NOTHING
        self.look_as(step=None, cursor=None)
        self.session.restart(experiment)

    def action_extend(self) -> None:
        view = self.session.view()
        try:
            self.session.extend(view.steps)
        except InputError as error:
            self.notify(str(error), severity="error")
        else:
            self._tell(f"{2 * view.steps:,} steps now")

    def action_look_back(self) -> None:
        self._scrub(-1)

    def action_look_forth(self) -> None:
        self._scrub(1)

    def action_look_first(self) -> None:
        steps = self.session.view().snapshot_steps
        if len(steps):
            self.session.pause()
            self.look_as(step=int(steps[0]))

    def action_look_live(self) -> None:
        self.look_as(step=None)

    def _scrub(self, direction: int) -> None:
        """About a fortieth of the run back or forward; past the newest weights it is now again."""
        view = self.session.view()
        steps = [int(step) for step in view.snapshot_steps]
        if not steps:
            return
        if self.look.step is None:
            if direction > 0:
                return
            self.session.pause()
        at = view.step if self.look.step is None else self.look.step
        stride = max(1, len(steps) // 40)
        if direction < 0:
            earlier = [step for step in steps if step < at]
            self.look_as(step=earlier[-stride] if len(earlier) >= stride else steps[0])
        else:
            later = [step for step in steps if step > at]
            self.look_as(step=later[stride - 1] if len(later) >= stride else None)

    # Live change

    def action_denser(self) -> None:
        self._change_density(1.5)

    def action_sparser(self) -> None:
        self._change_density(1 / 1.5)

    def _change_density(self, factor: float) -> None:
        self._change("sparsity", lambda s: min(1 - min((1 - s) * factor, 1.0), 0.9999), "S")

    def action_rate_down(self) -> None:
        self._change("learning_rate", lambda rate: rate / 1.5, "learning rate")

    def action_rate_up(self) -> None:
        self._change("learning_rate", lambda rate: rate * 1.5, "learning rate")

    def action_importance_down(self) -> None:
        self._change("importance_decay", lambda decay: max(decay - 0.1, 0.1), "importance decay")

    def action_importance_up(self) -> None:
        self._change("importance_decay", lambda decay: min(decay + 0.1, 1.0), "importance decay")

    def _change(self, field: str, how: Callable[[float], float], name: str) -> None:
        """Change a field of every instance, each from its own value."""
        view = self.session.view()
        if view.snapshot is None:
            return
        values = [float(f"{how(v):.4g}") for v in view.experiment.per_instance(field).tolist()]
        alone = not isinstance(getattr(view.experiment, field), tuple)
        try:
            self.session.change(**{field: values[0] if alone else tuple(values)})
        except InputError as error:
            self.notify(str(error), severity="error")
            return
        self._tell(f"{name} {values[self.look.instance]:.4g}")

    def _tell(self, message: str) -> None:
        """A short toast in the place of all others: a key held down must not pile them up."""
        self.clear_notifications()
        self.notify(message, timeout=2)

    # Space

    def action_turn(self, right: int, up: int) -> None:
        camera = self.look.camera
        self.see_from(yaw=camera.yaw + _TURN * right, pitch=_level(camera.pitch + _TURN * up))

    def action_roll(self, direction: int) -> None:
        self.see_from(roll=self.look.camera.roll + _TURN * direction)

    def action_zoom(self, direction: int) -> None:
        self.see_from(zoom=min(max(self.look.camera.zoom * _ZOOM**direction, 0.1), 20.0))

    def action_reset_camera(self) -> None:
        self.look_as(camera=HOME, tour_time=0.0)

    def action_toggle_turning(self) -> None:
        self.look_as(turning=not self.look.turning)

    def action_toggle_perspective(self) -> None:
        self.see_from(perspective=not self.look.camera.perspective)

    def action_next_guides(self) -> None:
        self.look_as(guides=cycle(GUIDES, self.look.guides))

    def action_next_projection(self) -> None:
        if self.session.view().experiment.n_hidden <= 3:
            self._tell("up to 3 hidden dimensions are shown as they are")
        self.look_as(projection=cycle(PROJECTIONS, self.look.projection))

    def action_next_axes(self) -> None:
        m = self.session.view().experiment.n_hidden
        first = (self.look.axes[0] + 3) % m if m > 3 else 0
        self.look_as(axes=(first, first + 1, first + 2), projection="axes")

    def on_space_view_turned(self, message: SpaceView.Turned) -> None:
        camera = self.look.camera
        self.see_from(
            yaw=camera.yaw - _DRAG * message.right, pitch=_level(camera.pitch + 2 * _DRAG * message.down)
        )

    def on_space_view_zoomed(self, message: SpaceView.Zoomed) -> None:
        self.action_zoom(message.direction)

    # Data and colour

    def action_next_data(self) -> None:
        self.look_as(data=cycle(DATA, self.look.data))

    def action_next_coloring(self) -> None:
        self.look_as(coloring=cycle(COLORINGS, self.look.coloring))

    def action_next_points(self) -> None:
        self.look_as(points=cycle(POINTS, self.look.points))
        self._tell(f"{self.look.points:,} points")

    def action_next_palette(self) -> None:
        self.look_as(palette=cycle(FEATURE_PALETTES, self.look.palette))
        self.settings = dataclasses.replace(self.settings, palette=self.look.palette)

    def action_next_feature(self, direction: int) -> None:
        n, feature = self.session.view().experiment.n_features, self.look.feature
        start = -1 if direction > 0 else n
        self.look_as(feature=((start if feature is None else feature) + direction) % n)

    def action_select(self, direction: int) -> None:
        self.action_next_feature(direction)

    def on_features_table_selected(self, message: FeaturesTable.Selected) -> None:
        self.look_as(feature=None if message.feature == self.look.feature else message.feature)

    def action_clear(self) -> None:
        if self.screen.maximized is not None:
            self.screen.minimize()
        else:
            self.look_as(feature=None, cursor=None)

    def action_next_instance(self, direction: int) -> None:
        self.look_as(instance=(self.look.instance + direction) % self.session.view().experiment.n_instances)

    # Panes

    def action_focus_pane(self, pane: str) -> None:
        self.dashboard.query_one(f"#{pane}").focus()

    def action_toggle_maximize(self) -> None:
        if self.screen.maximized is not None:
            self.screen.minimize()
        elif self.focused is not None:
            self.screen.maximize(self.focused)

    def action_toggle_log(self) -> None:
        self.look_as(log=not self.look.log)

    def action_read(self, direction: int) -> None:
        view = self.session.view()
        at = view.step if self.look.cursor is None else self.look.cursor
        self.look_as(cursor=min(max(at + direction * max(1, view.step // 60), 0), view.step))

    def on_loss_plot_cursor(self, message: LossPlot.Cursor) -> None:
        self.look_as(cursor=message.step)

    # Run

    def action_experiment(self) -> None:
        def chosen(experiment: Experiment | None) -> None:
            if experiment is not None:
                self.name_of_run = "experiment"
                self._restart(experiment)

        self.push_screen(ExperimentForm(self.session.view().experiment), chosen)

    def action_export(self) -> None:
        self._start_export(ExportChoice(new_directory(Path("runs"), self._run_name()), 300, True, True))

    def action_export_as(self) -> None:
        def chosen(choice: ExportChoice | None) -> None:
            if choice is not None:
                self._start_export(choice)

        self.push_screen(ExportForm(new_directory(Path("runs"), self._run_name())), chosen)

    def _run_name(self) -> str:
        return f"{self.name_of_run}-{time.strftime('%Y%m%d-%H%M%S')}"

    def _start_export(self, choice: ExportChoice) -> None:
        if self._export is not None:
            self.notify("an export is under way", severity="warning")
            return
        run = self.session.run()
        if run is None:
            self.notify("there is nothing to export yet", severity="warning")
            return
        wanted: tuple[tuple[Format, bool], ...] = (("png", choice.png), ("html", choice.html))
        self._exported = Saved(run.state.step, len(run.changes))
        self._export = start_export(
            run,
            choice.directory,
            camera=self.look.camera,
            instance=self.look.instance,
            axes=axes_of(self.look, run.experiment.n_hidden),
            step=self.look.step,
            dpi=choice.dpi,
            formats=tuple(kind for kind, chosen in wanted if chosen),
        )
        self.notify(f"exporting to {choice.directory}", timeout=3)

    def _follow_export(self) -> None:
        if self._export is None:
            return
        progress = self._export.poll()
        self.dashboard.exporting = (
            "" if progress.finished else f"exporting {len(progress.done)}/{progress.total}"
        )
        if not progress.finished:
            return
        directory, self._export = self._export.directory, None
        if progress.error:
            self.notify(progress.error, title="Export failed", severity="error", timeout=10)
            return
        self._saved = self._exported
        self.notify(str(directory), title="Exported the run and its figures to", timeout=8)
        if progress.note:
            self.notify(progress.note, severity="warning", timeout=8)

    def action_save_screen(self) -> None:
        path = new_directory(Path(), f"tms-tui-{time.strftime('%Y%m%d-%H%M%S')}.svg")
        try:
            path.write_text(self.export_screenshot(title=f"tms-tui: {self.name_of_run}"), encoding="utf-8")
        except OSError as error:
            self.notify(f"cannot write {path}: {(error.strerror or str(error)).lower()}", severity="error")
        else:
            self.notify(str(path), title="The screen, as SVG", timeout=5)

    def action_help(self) -> None:
        pane = self.focused.id if self.focused is not None and self.focused.id else ""
        self.push_screen(HelpScreen(pane, self.ascii))

    async def action_quit(self) -> None:
        if isinstance(self.screen, ConfirmQuit):  # ctrl+q again
            return
        view = self.session.view()
        if not self._would_lose(view):
            self._leave()
            return

        def chosen(answer: str | None) -> None:
            if answer == "save":
                self._save_and_leave()
            elif answer == "quit":
                self._leave()

        changes = len(view.changes)
        what = f"{view.step:,} steps" + (
            f" and {changes} live change{'s' * (changes > 1)}" if changes else ""
        )
        self.push_screen(ConfirmQuit(f"{what} are not saved."), chosen)

    def _would_lose(self, view: View) -> bool:
        """Whether quitting costs what the seed, or the saved run, does not give back in a minute."""
        if view.snapshot is None:
            return False
        rate = view.snapshot.rate
        seconds = (view.step - self._saved.step) / rate if rate else 0.0
        return len(view.changes) > self._saved.changes or seconds > _WORTH_SAVING

    def _save_and_leave(self) -> None:
        from tms_engine import save_run

        run = self.session.run()
        directory = new_directory(Path("runs"), self._run_name())
        try:
            if run is not None:
                save_run(run, directory)
        except InputError as error:
            self.notify(str(error), severity="error")
            return
        self._leave(f"saved to {directory}")

    def _end(self) -> None:
        """A kill or a lost connection: nobody can be asked, so what would be lost is saved."""
        if self._would_lose(self.session.view()):
            self._save_and_leave()
        else:
            self._leave()

    def _leave(self, message: str = "") -> None:
        if self._export is not None:
            self._export.cancel()
        self.session.stop()
        stored.save(dataclasses.replace(self.settings, theme=self.theme))
        self.exit(message=message or None)

    async def one_frame(self, size: tuple[int, int]) -> tuple[str, str]:
        """Train to the end without a terminal; the dashboard as text then, and what went wrong, if so."""
        self.look_as(turning=False)
        async with self.run_test(size=size) as pilot:
            self.session.run_to_end()
            while (view := self.session.view()).phase not in ("finished", "diverged", "failed"):
                await asyncio.sleep(0.05)
            self.tick()
            await pilot.pause()
            lines = [line.rstrip() for line in screen_lines(self)]
        return "\n".join(lines).rstrip(), view.error if view.phase == "failed" else ""

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Every action of the table of keys, and the choice of a theme."""
        for command in super().get_system_commands(screen):
            if command.title == "Theme":
                yield command
        for key in KEYS:
            if key.pane in ("", "space"):

                async def run(action: str = key.action) -> None:
                    await self.run_action(action)

                yield SystemCommand(f"{key.label.capitalize()} ({key.display})", key.help, run)


def _level(pitch: float) -> float:
    """Not over the poles: there left and right would change places."""
    return min(max(pitch, -90.0), 90.0)
