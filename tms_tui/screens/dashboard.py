"""The one screen: space, loss, features, W Wᵀ and numbers, the run bar and the keys.

`show_space` and `show_beside` are functions of a View and ViewOptions. What they work out is kept as long as
what it depends on stays the same object, so that turning the camera does not encode the cloud again.
"""

import math
import textwrap
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32
from textual.color import Color
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.geometry import Size
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from tms_engine.analysis import geometry
from tms_engine.experiment import Experiment
from tms_tui.drawing.loss_chart import ChartColors, LossChart
from tms_tui.drawing.modes import Mode
from tms_tui.drawing.symbols import Symbols, symbols
from tms_tui.panes.features_table import FeaturesTable
from tms_tui.panes.gram_map import GramMap
from tms_tui.panes.key_bar import KeyBar
from tms_tui.panes.loss_plot import LossPlot
from tms_tui.panes.run_bar import RunBar, rate_text, time_left
from tms_tui.panes.space_view import SpaceView
from tms_tui.screens.modal import draw_scrollbar_in_ascii
from tms_tui.screens.too_small import TooSmall
from tms_tui.space_scene import Clouds, Picture, axes_of, feature_colors, picture
from tms_tui.view import View
from tms_tui.view_options import ViewOptions


class Shown(NamedTuple):
    """The weights on the screen: those of now, or kept ones that are looked back at."""

    step: int
    weights: Float32[np.ndarray, "instances features hidden"]
    bias: Float32[np.ndarray, "instances features"] | None


class Dashboard(Screen[None]):
    """Composes the panes and shows a run in them."""

    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (60, "-narrow"), (100, "-normal"), (150, "-wide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-low"), (18, "-short"), (30, "-tall")]  # noqa: RUF012

    def __init__(self, mode: Mode) -> None:
        super().__init__()
        self._mode = mode
        self._clouds = Clouds()
        self._pictured: tuple[object, ...] = ()
        self._picture: Picture | None = None
        self._measured: object = None
        self._said: dict[str, Content] = {}
        self.composed = False  # whether there are panes to update
        self.exporting = ""  # how far an export is, if one is under way
        self._norms = self._dimensionality = self._gram = np.zeros((0, 0))

    def compose(self) -> Iterator[Widget]:
        mode = self._mode
        with Horizontal(id="title"):
            yield Static(id="about")
            yield Static(id="phase")
        with Horizontal(id="body"):
            yield SpaceView(mode, id="space", classes="pane")
            with Vertical(id="side"):
                yield LossPlot(mode, id="loss", classes="pane")
                yield FeaturesTable(mode, id="features", classes="pane")
                with Horizontal(id="low"):
                    yield GramMap(mode, id="gram", classes="pane")
                    yield Static(id="numbers", classes="pane")
        yield RunBar(mode, id="bar")
        yield KeyBar(mode == "ascii", id="keys")
        yield TooSmall(id="too-small")

    def on_mount(self) -> None:
        self.set_class(self._mode == "ascii", "-ascii")
        for selector, title in (
            ("#features", "Features"),
            ("#gram", symbols(self._mode).gram),
            ("#numbers", "Numbers"),
        ):
            self.query_one(selector).border_title = title
        self.query_one("#numbers").can_focus = True
        self.query_one("#space").focus()
        if self._mode == "ascii":
            draw_scrollbar_in_ascii(self.query_one(FeaturesTable))
        self.composed = True

    def sizes(self) -> tuple[Size, ...]:
        """Of the screen and its panes, on which it depends how much of a title or a text is shown."""
        return self.size, *(pane.outer_size for pane in self.query(".pane"))

    def show_space(self, view: View, look: ViewOptions, shown: Shown | None) -> None:
        """Show the space as the look wants it; `shown` is None until there are weights."""
        space = self.query_one(SpaceView)
        if shown is None:
            space.show(None, view.error or loading(view) + (" ..." if self._mode == "ascii" else " …"))
        else:
            space.show(self._space(view, look, shown))

    def show_beside(self, view: View, look: ViewOptions, shown: Shown | None, name: str) -> None:
        """Show all the rest: the title, the loss, the features, W Wᵀ, the numbers, and how far the run is."""
        signs = symbols(self._mode)
        self._titles(view, look, name, signs)
        self.query_one(RunBar).show(*_progress(view, shown))
        # Without a curve the plot stays empty: the first paint need not wait for plotext.
        self.query_one(LossPlot).show(self._chart(view, look) if view.curve is not None else None)
        if shown is None:
            return
        self._measure(shown)
        i = look.instance
        colors = feature_colors(look, view.experiment.n_features)
        self.query_one(FeaturesTable).show(self._norms[i], self._dimensionality[i], colors, look.feature)
        self.query_one(GramMap).show(self._gram_of(i), look.feature)
        numbers = _numbers(view, look, shown, self._norms[i], self._dimensionality[i], signs)
        room = self.query_one("#numbers").content_size
        reason = _said(view.reason, room.width)
        whole = len(numbers) + len(reason) <= room.height
        self._say("#numbers", Content("\n").join([_table(numbers), *(reason if whole else [])]))

    def _space(self, view: View, look: ViewOptions, shown: Shown) -> Picture:
        still = (
            look.data, look.coloring, look.feature, look.instance, look.guides, look.projection, look.axes,
            look.tour_time, look.points, look.palette,
        )  # fmt: skip
        wanted = (shown.weights, view.experiment, still)
        if self._picture is None or wanted[0] is not self._pictured[0] or wanted[1:] != self._pictured[1:]:
            experiment, device = view.experiment, view.device or "cpu"
            self._picture = picture(look, experiment, device, shown.weights, shown.bias, self._clouds)
            self._pictured = wanted
        if look.camera != self._picture.camera:
            self._picture = self._picture.seen_from(look.camera)
        return self._picture

    def _measure(self, shown: Shown) -> None:
        if shown.weights is not self._measured:
            self._measured = shown.weights
            self._norms = geometry.norms(shown.weights)
            self._dimensionality = geometry.dimensionality(shown.weights)
            self._gram = geometry.gram(shown.weights)
            self._rows: dict[int, np.ndarray] = {}

    def _gram_of(self, instance: int) -> np.ndarray:
        return self._rows.setdefault(instance, self._gram[instance])

    def _chart(self, view: View, look: ViewOptions) -> LossChart:
        cursor = look.step if look.step is not None else look.cursor
        return LossChart(
            view.curve,
            view.steps,
            look.log,
            view.changes,
            view.diverged_at,
            cursor,
            look.instance,
            self._chart_colors(),
        )

    def _chart_colors(self) -> ChartColors:
        variables = self.app.theme_variables

        def rgb(name: str) -> tuple[int, int, int]:
            return Color.parse(variables[name]).rgb

        ground, text = Color.parse(variables["background"]), Color.parse(variables["foreground"])
        return ChartColors(
            line=rgb("accent"),
            raw=ground.blend(text, 0.25).rgb,
            mean=rgb("secondary"),
            axis=ground.blend(text, 0.55).rgb,
            text=ground.blend(text, 0.9).rgb,
            mark=rgb("error"),
            cursor=rgb("success"),
        )

    def _titles(self, view: View, look: ViewOptions, name: str, signs: Symbols) -> None:
        title = _TITLE if self.size.width >= 100 else "TMS"
        self._say("#about", Content.assemble((title, "bold"), "  ", (_about(view, look, name, signs), "dim")))
        self._say("#phase", _phase(view, look, signs, self.exporting), layout=True)
        self._entitle("#space", _titled("Space", _space_title(view.experiment, look, signs), signs))
        self._entitle("#loss", _titled("Loss", "log" if look.log else "linear", signs))

    # Textual draws the whole screen again for a text or a title that is set, be it the same as before.

    def _say(self, selector: str, content: Content, layout: bool = False) -> None:
        """Put a text on the screen; `layout` if its size may be another."""
        if self._said.get(selector) != content:
            self._said[selector] = content
            self.query_one(selector, Static).update(content, layout=layout)

    def _entitle(self, selector: str, title: str) -> None:
        pane = self.query_one(selector)
        if self._mode == "ascii":  # Textual would end what is too long with a character that is not
            title = title[: max(pane.outer_size.width - 6, 0)]
        if pane.border_title != title:
            pane.border_title = title


_TITLE = "Toy Models of Superposition"


def _titled(title: str, rest: str, signs: Symbols) -> str:
    return f"{title} {signs.dash} {rest}".replace("[", r"\[")


def _about(view: View, look: ViewOptions, name: str, signs: Symbols) -> str:
    experiment = view.experiment
    sparsity = experiment.per_instance("sparsity")[look.instance]
    parts = [name, f"{experiment.n_features} {signs.arrow} {experiment.n_hidden}", f"S {sparsity:.4g}"]
    if experiment.n_instances > 1:
        parts.append(f"instance {look.instance} of {experiment.n_instances}, {_rank(view, look)}")
    if view.kernel:
        parts.append(f"{view.device}/{view.kernel}")
    parts.append(f"seed {experiment.seed}")
    return (" | " if signs.dot == "*" else " · ").join(parts)


def _rank(view: View, look: ViewOptions) -> str:
    """Which of the instances this is by loss, the best first."""
    if view.snapshot is None or not np.isfinite(view.snapshot.losses[look.instance]):
        return "diverged" if view.snapshot and look.instance in view.snapshot.diverged else "no loss yet"
    losses = view.snapshot.losses
    rank = 1 + int((losses < losses[look.instance]).sum())
    return f"no. {rank} by loss"


def loading(view: View) -> str:
    return f"loading {view.library}".strip()


def _phase(view: View, look: ViewOptions, signs: Symbols, exporting: str) -> Content:
    color = {
        "loading": "$warning", "compiling": "$warning", "training": "$success", "paused": "$warning",
        "finished": "$primary", "diverged": "$error", "failed": "$error",
    }[view.phase]  # fmt: skip
    word = loading(view) if view.phase == "loading" else str(view.phase)
    if look.step is not None:
        word += f", at step {look.step:,}"
    doing = (f"{exporting}   ", "$accent") if exporting else ""
    return Content.assemble(doing, (f"{signs.dot} ", color), (word, "bold"))


def _space_title(experiment: Experiment, look: ViewOptions, signs: Symbols) -> str:
    title = "weights"
    if look.data == "trained":
        kind = {"n_active": f"exactly {experiment.n_active} active", "bernoulli": "Bernoulli"}
        title += " + activations, " + kind.get(experiment.features, experiment.features)
    elif look.data != "none":
        title += f" + exactly {look.data}"
    if look.data != "none" and look.coloring != "all magnitudes":
        by = f"feature {look.feature or 0}" if look.coloring == "one feature" else look.coloring
        title += f", by {by}"
    if experiment.n_hidden > 3:
        axes = axes_of(look, experiment.n_hidden)
        title += ", " + ("dims " + ", ".join(map(str, axes)) if axes else look.projection)
    return title


def _progress(view: View, shown: Shown | None) -> tuple[float, bool, tuple[str, ...]]:
    """What the run bar shows: how much is done, whether that is bad, what to say."""
    if view.phase == "failed":
        return 1.0, True, (view.error,)
    if view.snapshot is None or shown is None:
        return 0.0, False, (loading(view),)
    fraction = view.step / view.steps
    parts = [f"{view.step:,} / {view.steps:,}", f"{100 * fraction:3.0f}%"]
    if math.isfinite(view.snapshot.loss):
        parts.append(f"loss {view.snapshot.loss:.5f}")
    if view.phase == "training":
        rate = _rate(view) or view.pace
        if math.isfinite(rate):
            parts += [rate_text(rate), time_left(view.steps - view.step, rate)]
    if view.phase == "diverged":
        parts.append("every instance has diverged")
    elif view.diverged_at and max(view.diverged_at) >= 0:
        parts.append(f"{sum(step >= 0 for step in view.diverged_at)} diverged")
    return fraction, view.phase == "diverged", tuple(part for part in parts if part)


def _rate(view: View) -> float:
    """Steps a second: as the kernel takes them, but it rests when ahead of the pace. 0 before the first."""
    rate = view.snapshot.rate if view.snapshot is not None else 0.0
    return rate if view.to_end else min(rate, view.pace)


def _numbers(
    view: View,
    look: ViewOptions,
    shown: Shown,
    norms: np.ndarray,
    dimensionality: np.ndarray,
    signs: Symbols,
) -> list[tuple[str, str]]:
    """Names and values of the numbers pane, the most telling first."""
    experiment, i = view.experiment, look.instance
    n, m = experiment.n_features, experiment.n_hidden
    rows = []
    if view.evaluation is not None and look.step is None:  # it is of the weights of now
        evaluation = view.evaluation
        rows.append(("fresh loss", f"{evaluation.loss[i]:.5f}"))
        rows.append(("", f"{signs.plus_minus}{evaluation.standard_error[i]:.5f}"))
    rows += [
        ("represented", f"{int((norms > geometry.REPRESENTED_NORM).sum())} of {n}"),
        (f"{signs.sigma}D", f"{dimensionality.sum():.3f} of {m}"),
        (f"mean {signs.norm}{signs.squared}", f"{np.square(norms).mean():.3f}"),
        ("S", f"{experiment.per_instance('sparsity')[i]:.4g}"),
        ("rate", f"{experiment.per_instance('learning_rate')[i]:.3g}"),
    ]
    decay = experiment.per_instance("importance_decay")[i]
    if decay != 1:
        rows.append(("I", f"{decay:.3g}^j"))
    pace = "no limit" if math.isinf(view.pace) else rate_text(view.pace)
    rows.append(("pace", pace))
    if rate := _rate(view):
        rows.append(("speed", rate_text(rate)))
    rows += [("kernel", view.kernel), ("device", view.device)]
    return rows


def _said(text: str, width: int) -> list[Content]:
    """A sentence in muted lines, after an empty one."""
    return [Content.styled(line, "$foreground 60%") for line in ("", *textwrap.wrap(text, max(width, 1)))]


def _table(rows: list[tuple[str, str]]) -> Content:
    width = max(len(name) for name, _ in rows)
    lines = [Content.assemble((f"{name:<{width}} ", "$foreground 60%"), value) for name, value in rows]
    return Content("\n").join(lines)
