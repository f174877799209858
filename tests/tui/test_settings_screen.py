import dataclasses
import math
from functools import partial

import pytest

from tests.tui.conftest import after, still_app, still_model, still_view
from tests.tui.hosts import press, text
from tms_engine.errors import InputError
from tms_tui import cli, settings
from tms_tui import messages as m
from tms_tui.abilities import Characters
from tms_tui.explain import TERMS
from tms_tui.messages.settings import (
    ChangeSetting,
    DefaultSetting,
    PointAtSetting,
    SettingsKept,
    TakeTheme,
)
from tms_tui.model import Model
from tms_tui.panes.settings_table import source, term_of, value_text
from tms_tui.saving import keep_settings
from tms_tui.settings import FIELDS, Settings
from tms_tui.settings_state import ROWS, SettingsState

_STATE = SettingsState(
    themes=("tms-dark", "tms-light", "nord"), auto=Characters("braille", "for LANG is C.UTF-8")
)


def model_with(**fields) -> Model:
    return dataclasses.replace(still_model(), settings_state=dataclasses.replace(_STATE, **fields))


def chosen(model: Model, name: str) -> Model:
    return after(model, PointAtSetting(ROWS.index(name), 0))[0]


def changed(model: Model, name: str, *messages) -> tuple[Model, list]:
    return after(chosen(model, name), *(messages or (ChangeSetting(1),)))


def test_every_setting_has_a_row_and_is_explained():
    assert set(FIELDS) | {"colors"} == set(ROWS)
    assert all(term_of(name) in TERMS.values() and term_of(name).pane == "settings" for name in ROWS)


def test_a_change_takes_effect_at_once_and_goes_into_the_settings():
    model = model_with()
    light, effects = changed(model, "theme")
    assert (light.settings.theme, effects) == ("tms-light", [TakeTheme("tms-light")])
    blocks, _ = changed(model, "render", *[ChangeSetting(1)] * 2)
    assert (blocks.settings.render, blocks.mode) == ("blocks", "blocks")
    assert changed(blocks, "render", DefaultSetting())[0].mode == "braille"
    assert changed(model, "palette")[0].options.palette == "safe"
    assert changed(model, "sides")[0].options.sides is False
    still, _ = changed(
        dataclasses.replace(model, options=dataclasses.replace(model.options, turning=True)), "turning"
    )
    assert (still.options.turning, still.settings.turning) == (False, False)


def test_an_image_is_drawn_over_the_characters_that_auto_takes():
    image, _ = changed(model_with(), "render", ChangeSetting(-1))
    assert (image.settings.render, image.mode) == ("image", "braille")


def test_a_terminal_whose_encoding_has_only_ascii_keeps_to_it():
    ascii_only, _ = changed(model_with(only_ascii=True), "render")
    assert (ascii_only.settings.render, ascii_only.mode) == ("braille", "ascii")


def test_a_slow_line_does_not_turn_the_space():
    slow, _ = changed(
        dataclasses.replace(model_with(), options=still_model(turning=True).options), "low_bandwidth"
    )
    assert (slow.in_force.low_bandwidth, slow.options.turning, slow.settings.turning) == (True, False, True)
    assert changed(slow, "low_bandwidth")[0].options.turning is True


def test_the_pace_is_resolved_in_the_training_thread():
    model, effects = changed(
        model_with(given=(("pace", 2000.0),)), "pace", ChangeSetting(-1), DefaultSetting()
    )
    assert effects == [m.Command("change_pace", (-1,)), m.Command("set_pace", (500.0,))]
    assert (model.chose_pace, model.settings_state.given) == (True, ())


def test_frames_a_second_step_through_what_lies_beside():
    model = dataclasses.replace(model_with(), settings=Settings(fps=12))
    ways = [changed(model, "fps", *[ChangeSetting(d)] * 3)[0].settings.fps for d in (1, -1)]
    assert ways == [30, 2]
    assert changed(model, "fps", *[ChangeSetting(-1)] * 4)[0].settings.fps == 120


def test_each_value_says_where_it_comes_from():
    model = model_with(given=(("render", "ascii"),), names=frozenset({"palette"}))
    assert {name: source(model, name) for name in ("theme", "render", "palette", "colors")} == {
        "theme": "default", "render": "command line", "palette": "settings.toml", "colors": "environment"
    }  # fmt: skip
    assert value_text(model, "render") == "ascii"
    lasting, _ = changed(model, "render")
    assert (source(lasting, "render"), lasting.settings_state.given) == ("settings.toml", ())
    turned = after(model, m.OpenScreen("dashboard"), m.ToggleTurning())[0]
    assert source(turned, "turning") == "default"
    assert source(model, "turning") == "for this start"
    failed = after(lasting, SettingsKept(Settings(), frozenset(), "cannot"))[0]
    assert source(failed, "render") == "not written"


def test_a_place_that_refuses_is_said_once_in_a_sentence(monkeypatch, tmp_path):
    monkeypatch.setattr(settings, "write_atomically", partial(_refuses))
    answer = keep_settings(Settings(theme="nord"), Settings())
    assert "cannot keep the settings in " in answer.error
    assert answer.error.endswith(": no space left on device")
    model, effects = after(model_with(), answer, answer)
    assert [type(effect) for effect in effects] == [m.Toast]
    assert model.settings_state.trouble == answer.error


def _refuses(*_) -> None:
    raise OSError(28, "No space left on device")


def test_only_what_was_chosen_is_written():
    assert keep_settings(Settings(), Settings()) == SettingsKept(Settings(), frozenset(), "")
    assert keep_settings(Settings(pace=math.inf), Settings()).names == {"pace"}
    assert settings.settings_path().read_text() == "pace = inf\n"


def test_the_command_line_holds_for_one_start():
    settings.save(Settings(theme="nord"), ("theme",))
    options = cli._parser().parse_args(["--once", "--render", "blocks", "--pace", "max", "--low-bandwidth"])
    app = cli._app(options, *cli._source(options))
    model = app.model
    assert (model.mode, model.in_force.render, model.settings) == ("blocks", "blocks", Settings(theme="nord"))
    assert (app.low_bandwidth, app.fps, model.options.turning) == (True, 5.0, False)
    assert [source(model, name) for name in ("theme", "render", "pace", "low_bandwidth")] == [
        "settings.toml", "command line", "command line", "command line"
    ]  # fmt: skip


def test_another_render_is_refused_with_those_that_there_are():
    options = cli._parser().parse_args(["--once", "--render", "holograms"])
    with pytest.raises(
        InputError, match="render should be auto, braille, blocks, ascii, image, not 'holograms'"
    ):
        cli._app(options, *cli._source(options))


@pytest.mark.slow
async def test_the_screen_changes_what_lasts_by_keys_and_mouse_and_all_screens_follow():
    app = still_app(still_view(n_instances=3), first="dashboard")
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "v", "M", "j", "l", "l")  # render: braille, blocks
        assert "‹ blocks ›" in text(app)
        assert "settings.toml" in text(app)
        await pilot.click("#settings", offset=(19, 1))  # the arrow before the theme: the last one
        await press(pilot)
        assert app.theme == app.model.settings_state.themes[-1] == app.model.settings.theme
        await press(pilot, "j", "l")  # render: ascii
        assert text(app).isascii()
        await press(pilot, "escape")
        assert app.full_screen.FULL == "population"
        assert text(app).isascii()
        await press(pilot, "v", "M", "backspace", "escape")
        assert not text(app).isascii()
        await pilot.press("q")
    found = settings.load()
    assert found.names == {"render", "theme"}
    assert found.settings.theme == app.theme


@pytest.mark.slow
async def test_a_theme_that_there_is_not_is_said_and_stays_in_the_file(monkeypatch):
    settings.save(Settings(theme="mine"), ("theme",))
    app, told = still_app(settings=settings.load().settings), []
    monkeypatch.setattr(app, "notify", lambda message, **_: told.append(message))
    async with app.run_test() as pilot:
        await press(pilot)
        assert ["there is no theme mine" in message for message in told] == [True]
        await pilot.press("q")
    assert settings.load().settings.theme == "mine"
