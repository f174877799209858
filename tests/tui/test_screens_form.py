"""The experiment form: fields, sentences and results all come from Experiment."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Button, Input, Select

from tests.tui.hosts import NOTHING, Host, press_at_random, text
from tms_engine.errors import InputError
from tms_engine.experiment import Experiment
from tms_engine.presets import PRESETS
from tms_tui.screens.experiment_form import ExperimentForm, Row, shown_texts, text_of
from tms_tui.screens.modal import Choice, Tick

pytestmark = pytest.mark.slow

SEED = Experiment()


def with_form(
    check: Callable[[Host, Pilot[None]], Awaitable[None]],
    current: Experiment = SEED,
    size: tuple[int, int] = (80, 24),
    ascii: bool = False,
) -> Host:
    app = Host(lambda: ExperimentForm(current), ascii)

    async def run() -> None:
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            await check(app, pilot)

    asyncio.run(run())
    return app


def row(app: Host, field: str) -> Row:
    return app.screen.query_one(f"#field-{field}", Row)


async def type_into(app: Host, pilot: Pilot[None], field: str, value: str) -> None:
    app.screen.set_focus(await row(app, field).edit())
    await pilot.pause()
    app.screen.query_one(f"#field-{field} Input", Input).value = value
    await pilot.pause()


def wrong(app: Host, field: str) -> str:
    return row(app, field).wrong


def marked(app: Host) -> set[str]:
    return {r.field for r in app.screen.query(Row) if r.has_class("-changed")}


def start(app: Host) -> Button:
    return app.screen.query_one("#start", Button)


@pytest.mark.parametrize("experiment", [p.experiment for p in PRESETS.values()], ids=list(PRESETS))
def test_an_experiment_typed_is_the_experiment(experiment: Experiment) -> None:
    texts: dict[str, Any] = shown_texts(experiment)
    assert Experiment(**texts) == experiment


def test_a_list_of_a_million_values_is_told_in_a_few_words_and_kept_as_it_is() -> None:
    values = tuple(0.5 + i / 10**7 for i in range(10**6))
    experiment = Experiment(n_features=4, sparsity=values, n_instances=10**6)

    async def check(app: Host, pilot: Pilot[None]) -> None:
        assert row(app, "sparsity").text == "1,000,000 values, 0.5,0.5000001,0.5000002 ..."
        await type_into(app, pilot, "steps", "77")
        assert marked(app) == {"steps"}
        await pilot.press("enter")
        await pilot.pause()
        assert app.result == experiment.replace(steps=77)
        assert app.result.sparsity == values

    with_form(check, experiment)


def test_a_long_list_that_is_edited_is_read_as_it_is_typed() -> None:
    async def check(app: Host, pilot: Pilot[None]) -> None:
        before = row(app, "sparsity").text
        await type_into(app, pilot, "sparsity", before + "9")
        assert "should be a number or a list of numbers" in wrong(app, "sparsity")
        await type_into(app, pilot, "sparsity", "0.5")
        assert marked(app) == {"sparsity"}
        await pilot.press("enter")
        await pilot.pause()
        assert app.result == Experiment(n_instances=500, sparsity=0.5)

    with_form(check, Experiment(n_instances=500, sparsity=(0.9,) * 500))


def test_every_field_has_a_row_with_its_help_and_an_input_of_its_kind() -> None:
    async def check(app: Host, pilot: Pilot[None]) -> None:
        rows = {r.field: r for r in app.screen.query(Row)}
        assert list(rows) == list(Experiment.model_fields)
        for name, field in Experiment.model_fields.items():
            assert field.description in rows[name].help
            assert rows[name].text == text_of(getattr(SEED, name))
        assert isinstance(rows["bias"].control, Tick)
        assert isinstance(await rows["optimizer"].edit(), Choice)
        assert isinstance(await rows["sparsity"].edit(), Input)

    with_form(check)


def test_a_field_added_to_the_experiment_appears_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    from pydantic import Field

    class Longer(Experiment):
        temperature: int = Field(3, description="A field of tomorrow.")

    for module in ("tms_engine.experiment", "tms_tui.screens.experiment_form"):
        monkeypatch.setattr(f"{module}.Experiment", Longer)

    async def check(app: Host, pilot: Pilot[None]) -> None:
        await type_into(app, pilot, "temperature", "5")
        await pilot.press("ctrl+s")
        assert app.result == Longer(temperature=5)

    with_form(check, Longer())


def test_what_is_wrong_is_said_under_its_field_in_the_engines_words() -> None:
    async def check(app: Host, pilot: Pilot[None]) -> None:
        for field, typed in (
            ("sparsity", "1.5"),
            ("importance", "0.9,0.8"),
            ("n_features", ""),
            ("n_hidden", "three"),
            ("device", "[tpu]"),
            ("learning_rate", "nan"),
            ("seed", "-1"),
        ):
            with pytest.raises(InputError) as mistake:
                SEED.replace(**{field: typed})
            await type_into(app, pilot, field, typed)
            assert wrong(app, field) == str(mistake.value)
            assert [r.field for r in app.screen.query(".-wrong").results(Row)] == [field]
            assert start(app).disabled
            await pilot.press("enter", "ctrl+s")
            assert app.result is NOTHING
            await type_into(app, pilot, field, text_of(getattr(SEED, field)))
            assert wrong(app, field) == ""
            assert not start(app).disabled

    with_form(check)


def test_a_fault_is_told_under_the_field_it_names_also_if_another_was_typed() -> None:
    async def check(app: Host, pilot: Pilot[None]) -> None:
        row(app, "features").text = "n_active"
        await type_into(app, pilot, "n_features", "1")
        assert "only 1 features" in wrong(app, "n_active")
        assert wrong(app, "n_features") == ""
        await pilot.press("ctrl+s")
        assert row(app, "n_active").control.has_focus

    with_form(check)


def test_enter_starts_what_is_typed() -> None:
    async def check(app: Host, pilot: Pilot[None]) -> None:
        await pilot.press("tab", *"12", "down", *"4", "enter")

    assert with_form(check).result == SEED.replace(n_features=12, n_hidden=4)


def test_keys_alone_reach_every_field() -> None:
    async def check(app: Host, pilot: Pilot[None]) -> None:
        seen = set()
        for _ in Experiment.model_fields:
            await pilot.press("down")
            seen |= {r.field for r in app.screen.query(Row) if r.has_focus_within}
            focused = app.focused
            assert focused is not None
            assert app.screen.query_one("#rows").region.contains_region(focused.region)
        assert seen == set(Experiment.model_fields)

    with_form(check, size=(60, 18))


def test_ticks_and_choices_are_set_by_keys() -> None:
    async def check(app: Host, pilot: Pilot[None]) -> None:
        app.screen.set_focus(await row(app, "bias").edit())
        await pilot.press("space")
        app.screen.set_focus(await row(app, "optimizer").edit())
        await pilot.press("enter", "down", "enter")
        await pilot.press("ctrl+s")

    assert with_form(check).result == SEED.replace(bias=True, optimizer="adamw")


def test_a_tick_and_a_button_are_set_by_the_mouse() -> None:
    async def check(app: Host, pilot: Pilot[None]) -> None:
        app.screen.query_one("#field-bias").scroll_visible(animate=False)
        await pilot.pause()
        await pilot.click("#field-bias Tick")
        await pilot.click("#start")

    assert with_form(check).result == SEED.replace(bias=True)


def test_escape_leaves_without_a_change() -> None:
    async def check(app: Host, pilot: Pilot[None]) -> None:
        await type_into(app, pilot, "n_hidden", "7")
        await pilot.press("escape")

    assert with_form(check).result is None


def test_escape_in_an_open_list_closes_the_list_alone() -> None:
    async def check(app: Host, pilot: Pilot[None]) -> None:
        await pilot.press("enter", "escape")
        assert isinstance(app.screen, ExperimentForm)

    assert with_form(check).result is NOTHING


def test_changes_are_marked_by_value_not_by_spelling() -> None:
    async def check(app: Host, pilot: Pilot[None]) -> None:
        assert marked(app) == set()
        await type_into(app, pilot, "learning_rate", "1e-2")
        assert marked(app) == set()
        await type_into(app, pilot, "steps", "500")
        assert marked(app) == {"steps"}
        assert "Was 10000." in row(app, "steps").help
        assert "* steps" in text(app)
        assert "1 change: trains 8 features in 3 dimensions, 500 steps." in " ".join(text(app).split())

    with_form(check, size=(120, 40))


def test_a_preset_fills_all_fields() -> None:
    async def check(app: Host, pilot: Pilot[None]) -> None:
        await type_into(app, pilot, "n_hidden", "none")
        presets = app.screen.query_one("#presets", Choice)
        presets.focus()
        presets.value = "paper-5-2"
        await pilot.pause()
        assert not start(app).disabled
        await pilot.press("ctrl+s")

    assert with_form(check).result == PRESETS["paper-5-2"].experiment


def test_the_preset_shown_is_the_one_that_the_fields_are() -> None:
    async def check(app: Host, pilot: Pilot[None]) -> None:
        presets = app.screen.query_one("#presets", Choice)
        assert presets.value == "gist"
        await type_into(app, pilot, "n_hidden", "4")
        assert presets.value is Select.NULL
        assert row(app, "n_hidden").text == "4"
        await type_into(app, pilot, "n_hidden", "3")
        assert presets.value == "gist"

    with_form(check)


def test_a_narrow_form_shows_the_help_of_the_field_in_focus() -> None:
    async def check(app: Host, pilot: Pilot[None]) -> None:
        app.screen.set_focus(await row(app, "sparsity").edit())
        await pilot.pause()
        assert "Probability S that a feature" in text(app)
        assert "Rows in a batch." not in text(app)

    with_form(check, size=(60, 18))


def test_in_ascii_the_form_is_ascii() -> None:
    async def check(app: Host, pilot: Pilot[None]) -> None:
        for keys in ([], ["enter"], ["escape", "tab", "x"]):  # as it opens, with an open list, with a mistake
            await pilot.press(*keys)
            for size in ((20, 5), (60, 18), (80, 24), (120, 40)):
                await pilot.resize_terminal(*size)
                await pilot.pause()
                assert text(app).isascii()

    with_form(check, PRESETS["phase-2-1"].experiment, ascii=True)


def test_the_form_stands_random_keys_clicks_and_sizes() -> None:
    async def check(app: Host, pilot: Pilot[None]) -> None:
        await press_at_random(app, pilot, 100, 0)

    with_form(check)
