import dataclasses
import math

import pytest

from tests.tui.conftest import after, still_model, still_view
from tms_engine.errors import InputError
from tms_engine.presets import PRESETS, preset
from tms_tui import cli
from tms_tui import messages as m
from tms_tui.autoplay import LONGEST, REST, SHOWS, Autoplay, pace_at
from tms_tui.messages.autoplay import ToggleAutoplay
from tms_tui.model import Model
from tms_tui.panes.caption import caption
from tms_tui.update.dropping import would_lose


def playing(at: int = 0, phase: str = "training", step: int = 100, **fields) -> Model:
    show = Autoplay(at)
    view = dataclasses.replace(still_view(phase), experiment=show.experiment, step=step, **fields)
    return dataclasses.replace(still_model(view), autoplay=show, run_name=show.name)


def ticked(model: Model, seconds: float, **fields) -> tuple[Model, list]:
    view, effects = dataclasses.replace(model.view, **fields), []
    for _ in range(math.ceil(seconds * 10)):
        model, new = after(model, m.Tick(view, 0.1))
        effects += new
    return model, effects


def test_every_show_is_a_preset_with_a_sentence():
    assert set(SHOWS) <= set(PRESETS)
    assert all(sentence.endswith(".") and len(sentence) < 150 for sentence in SHOWS.values())


def test_the_start_is_slow_and_all_takes_under_half_a_minute():
    steps, step, seconds = 10_000, 0, 0.0
    while step < steps:
        pace = pace_at(step, steps)
        step, seconds = step + round(pace / 10), seconds + 0.1
        assert step >= 300 or seconds <= 5.1
    assert 20 < seconds < 25
    assert pace_at(0, 100) == 100 / 12  # a short run is shown whole


def test_a_preset_that_has_been_trained_rests_and_the_next_begins_where_it_is_best_seen():
    model, effects = ticked(playing(phase="finished", step=10_000), REST - 1)
    assert (model.autoplay.at, effects) == (0, [])
    model, effects = ticked(model, 1.2)
    assert m.Command("begin", (preset("paper-5-2"),)) in effects
    assert (model.run_name, model.trail, model.autoplay.at) == ("paper-5-2", ("population",), 1)
    still_the_old, effects = ticked(model, 60)  # until the thread has begun it
    assert (still_the_old.autoplay.at, effects) == (1, [])


@pytest.mark.parametrize("phase", ["diverged", "failed"])
def test_one_that_cannot_be_trained_does_not_end_it(phase):
    assert ticked(playing(phase=phase), REST + 1)[0].autoplay.at == 1


def test_one_that_takes_too_long_gives_way_and_the_last_is_followed_by_the_first():
    assert ticked(playing(len(SHOWS) - 1), LONGEST + 1)[0].run_name == "gist"


def test_the_pace_is_asked_for_once_a_part_and_is_no_setting():
    model, effects = ticked(playing(step=10), 3)
    assert effects == [m.Command("set_pace", (60.0,))]
    model, effects = ticked(model, 1, step=400, pace=60.0)
    assert effects == [m.Command("set_pace", (pytest.approx(1700 / 6),))]
    assert model.settings.pace == 500


def test_looking_leaves_it_on_and_what_changes_something_takes_over_and_says_how_to_go_on():
    model, effects = after(playing(), m.Turn(1, 0), m.NextColoring(), m.ToggleTurning(), m.NextFeature(1))
    assert (model.autoplay.held, effects) == (False, [])
    for message in (m.ScaleDensity(1.5), m.TogglePause(), m.LookBack(-1), m.OpenExperiment()):
        model, effects = after(playing(), message)
        assert model.autoplay.held
        assert "W goes on" in effects[0].text
        assert len(effects) > 1 or isinstance(message, m.LookBack)
        assert ticked(model, 200)[0].autoplay == model.autoplay
        assert "W goes on" in caption(model).plain


def test_nothing_is_asked_of_what_nobody_has_touched_and_it_is_of_what_somebody_has():
    slow = dataclasses.replace(playing(rate=1.0).view, step=4000)
    model = dataclasses.replace(playing(), view=slow)
    assert not would_lose(model)
    held, _ = after(model, ToggleAutoplay())
    assert would_lose(held)
    _, effects = after(held, ToggleAutoplay())
    assert [type(effect) for effect in effects] == [m.Ask]
    gone_on, effects = after(held, ToggleAutoplay(), m.Answered("drop"))
    assert (gone_on.autoplay, gone_on.run_name) == (Autoplay(1), "paper-5-2")


def test_without_autoplay_the_key_says_how_to_start_it():
    _, effects = after(still_model(), ToggleAutoplay())
    assert "--autoplay" in effects[0].text


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--autoplay", "--once"], "plays presets as they are"),
        (["--autoplay", "--sparsity", "0.9"], "plays presets as they are"),
        (["--autoplay", "paper-400-30"], "begins with one of gist, "),
    ],
)
def test_what_does_not_go_with_it_is_refused(arguments, sentence):
    options = cli._parser().parse_args(arguments)
    with pytest.raises(InputError, match=sentence):
        cli._source(options)
