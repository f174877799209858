from typing import Any

import numpy as np
import pytest
from textual.app import App, ComposeResult
from textual.events import MouseScrollDown, MouseScrollUp
from textual.widgets import Static

from tms_engine.training.history import LossCurve
from tms_tui.drawing.loss_chart import LossChart, Window
from tms_tui.messages import LookAt
from tms_tui.panes import loss_plot
from tms_tui.panes.loss_plot import LossPlot

pytestmark = [pytest.mark.slow, pytest.mark.asyncio]


def chart(steps: int = 100, loss: float = 0.1, **fields: Any) -> LossChart:
    start = np.arange(steps, dtype=np.int64)
    mean = np.full((steps, 1), loss, np.float32)
    return LossChart(LossCurve(start, start + 1, mean, mean, mean), steps=steps, **fields)


class PlotApp(App[None]):
    CSS = "LossPlot { height: 14; width: 67; border: round white; } Static { height: 3; }"

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Any] = []

    def compose(self) -> ComposeResult:
        yield LossPlot("braille")
        yield Static("elsewhere")

    def on_loss_plot_asked(self, message: LossPlot.Asked) -> None:
        self.asked.append(message.message)


def shown(app: PlotApp) -> list[str]:
    plot = app.query_one(LossPlot)
    return [plot.render_line(y).text for y in range(plot.size.height)]


@pytest.fixture
def draws(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Rows and columns of every chart that a plot has drawn."""
    sizes: list[tuple[int, int]] = []
    draw = loss_plot.draw_loss

    def spy(chart: LossChart, rows: int, columns: int, mode: Any) -> Any:
        sizes.append((rows, columns))
        return draw(chart, rows, columns, mode)

    monkeypatch.setattr(loss_plot, "draw_loss", spy)
    return sizes


async def test_the_plot_shows_its_chart() -> None:
    async with PlotApp().run_test() as pilot:
        app = pilot.app
        assert isinstance(app, PlotApp)
        assert not "".join(shown(app)).strip()
        app.query_one(LossPlot).show(chart())
        await pilot.pause()
        assert shown(app)[0].rstrip() == "step 100  batch loss 0.100"
        app.query_one(LossPlot).show(chart(200, 0.01))
        await pilot.pause()
        assert shown(app)[0].rstrip() == "step 200  batch loss 0.0100"


async def test_it_is_drawn_again_only_for_another_chart_or_size(draws: list[tuple[int, int]]) -> None:
    async with PlotApp().run_test() as pilot:
        plot = pilot.app.query_one(LossPlot)
        first = chart()
        plot.show(first)
        await pilot.pause()
        assert draws == [(12, 65)]
        plot.show(first)
        plot.refresh()
        await pilot.pause()
        assert draws == [(12, 65)]
        plot.show(first._replace(log=False))
        await pilot.pause()
        assert draws == [(12, 65)] * 2
        plot.styles.width = 40
        await pilot.pause()
        assert draws == [(12, 65)] * 2 + [(12, 38)]


async def test_the_mouse_reads_a_step_and_lets_go_of_it() -> None:
    async with PlotApp().run_test() as pilot:
        app = pilot.app
        assert isinstance(app, PlotApp)
        app.query_one(LossPlot).show(chart(cursor=90))
        await pilot.hover(LossPlot, offset=(1 + 5 + 30, 5))
        await pilot.pause()
        assert shown(app)[0].startswith("step 50 ")
        await pilot.hover(Static)
        await pilot.pause()
        assert shown(app)[0].startswith("step 90 ")
        assert app.asked == []  # what is read is no step that is looked at


async def test_the_mouse_looks_at_steps_drags_the_timeline_and_zooms() -> None:
    async with PlotApp().run_test() as pilot:
        app = pilot.app
        assert isinstance(app, PlotApp)
        plot = app.query_one(LossPlot)
        plot.show(chart())
        await pilot.pause()
        below = 1 + 11  # the timeline, in a frame
        await pilot.mouse_down(LossPlot, offset=(1 + 5 + 30, below))
        await pilot.hover(LossPlot, offset=(1 + 5 + 45, below))
        await pilot.hover(LossPlot, offset=(1 + 5 + 15, 3))  # the mouse is held: it need not stay there
        await pilot.mouse_up(LossPlot, offset=(1 + 5 + 15, 3))
        assert app.asked == [LookAt(50), LookAt(75), LookAt(25)]
        app.asked.clear()
        await pilot._post_mouse_events([MouseScrollUp], LossPlot, offset=(1 + 5 + 30, 5), button=0)
        await pilot._post_mouse_events([MouseScrollDown], LossPlot, offset=(2, 5), button=0)
        assert [(zoom.axis, zoom.direction) for zoom in app.asked] == [("steps", 1), ("losses", -1)]
        app.asked.clear()
        plot.show(chart(window=Window((20, 60))))
        await pilot.mouse_down(LossPlot, offset=(36, 5))
        await pilot.hover(LossPlot, offset=(26, 5))
        await pilot.mouse_up(LossPlot, offset=(26, 5))
        look, pan = app.asked
        assert isinstance(look, LookAt)
        assert (pan.right > 0, pan.up) == (True, 0)  # what is dragged to the left shows later steps


async def test_the_axis_and_an_empty_plot_have_no_step_to_read() -> None:
    async with PlotApp().run_test() as pilot:
        app = pilot.app
        assert isinstance(app, PlotApp)
        await pilot.hover(LossPlot, offset=(30, 5))
        app.query_one(LossPlot).show(chart())
        await pilot.hover(LossPlot, offset=(3, 5))
        await pilot.pause()
        assert shown(app)[0].startswith("step 100 ")
        assert app.asked == []


async def test_a_plot_of_any_size_can_be_drawn() -> None:
    async with PlotApp().run_test() as pilot:
        plot = pilot.app.query_one(LossPlot)
        plot.styles.min_width = plot.styles.min_height = 0
        for width, height in ((0, 0), (1, 1), (3, 14), (67, 3), (12, 5)):
            plot.styles.width, plot.styles.height = width, height
            plot.show(chart(cursor=3, loss=width + 1))
            await pilot.pause()
            assert [plot.render_line(y).cell_length for y in range(plot.size.height)] == (
                [plot.size.width] * plot.size.height
            )
