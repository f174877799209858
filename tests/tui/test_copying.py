"""What is copied to the clipboard."""

import csv
import io
import shlex

import numpy as np
import pytest

from tests.engine.test_command_line import experiment
from tests.engine.test_trainer import assert_same_run
from tests.tui.hosts import press, settled, text
from tests.tui.test_app import SMALL, until
from tms_engine import Experiment, InputError, Run, Trainer, train
from tms_engine.analysis.evaluation import features_of
from tms_engine.commands.options import changes_from
from tms_tui.app import TmsApp
from tms_tui.copying import text_of
from tms_tui.messages.copying import WriteOut
from tms_tui.session import Session

pytestmark = pytest.mark.slow


async def test_the_command_that_is_copied_trains_the_run_to_the_same_bits():
    session = Session(SMALL, 200.0)
    app = TmsApp(session)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await until(lambda: session.view().step > 20)
        await press(pilot, "right_square_bracket")
        await until(lambda: session.view().changes)
        session.run_to_end()
        await until(lambda: session.view().phase == "finished")
        await press(pilot, "C")
        await settled(pilot)
        assert "the command that trains this run anew" in text(app)
        await press(pilot, "c")
        await until(lambda: app.clipboard)
        await until(lambda: "Copied the command" in text(app))
        mine = session.run()
        session.stop()
    _, _, *words = shlex.split(app.clipboard)
    again, options = experiment(*words)
    assert_same_run(train(again, planned=changes_from(options)), mine)


def copied(run, what, *, place="", step=None, instance=0, feature=None):
    return text_of(run, WriteOut(what, place, step, instance, feature)).text


def test_the_path_a_row_and_the_table_of_a_past_step_and_an_instance(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    trainer = Trainer(Experiment(n_instances=3, steps=100))
    trainer.advance(100)
    run = trainer.run()
    assert copied(run, "path", place="runs/a b") == str(tmp_path / "runs" / "a b")
    row = np.array([float(v) for v in copied(run, "weights", instance=2, feature=5)[1:-1].split(",")], "f4")
    assert np.array_equal(row, run.weights[2, 5])
    then = np.array([float(v) for v in copied(run, "weights", step=7, feature=5)[1:-1].split(",")], "f4")
    assert np.array_equal(then, run.at(7).weights[0, 5])
    rows = [*csv.DictReader(io.StringIO(copied(run, "table", instance=2)))]
    wanted = features_of(run, 2)
    assert [float(row["norm"]) for row in rows] == [row["norm"] for row in wanted]
    assert [float(row["loss"]) for row in rows] == [row["loss"] for row in wanted]
    before = [*csv.DictReader(io.StringIO(copied(run, "table", step=0)))]
    norms = np.linalg.norm(run.at(0).weights[0], axis=1)
    assert np.allclose([float(row["norm"]) for row in before], norms, rtol=1e-6)


@pytest.mark.parametrize(
    ("what", "sentence"),
    [("path", "not saved anywhere yet"), ("weights", "choose a feature first"), ("table", "74,000 at most")],
)
def test_what_cannot_be_copied_is_a_sentence(what, sentence):
    run = Run.from_weights(np.zeros((3000, 3)) if what == "table" else np.eye(3))
    with pytest.raises(InputError, match=sentence):
        copied(run, what)
