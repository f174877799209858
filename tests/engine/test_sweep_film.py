"""Films of sweeps: which cells there are, what is shown when, and that it is the sweep's own models."""

import itertools

import numpy as np
import pytest
from PIL import Image

from tms_engine import Experiment, InputError, Sweep, Trainer, geometry, load_sweep, polytopes
from tms_engine.analysis.strategies import states_of
from tms_engine.commands import main
from tms_engine.sweeps.directory import shard_path

pytestmark = pytest.mark.slow

BASE = Experiment(n_features=2, n_hidden=1, steps=60, batch_size=32, device="cpu")
AXES = {"density": [1, 0.3, 0.1], "importance": [(1, 0.5), (1, 2)]}


@pytest.fixture(scope="module")
def plane(tmp_path_factory):
    """Two axes, three seeds a point, weights kept; six shards of three models."""
    sweep = Sweep(BASE, AXES, seeds=3, weights=True, shard_models=3)
    sweep.train(tmp_path_factory.mktemp("plane") / "out")
    return sweep


@pytest.fixture(scope="module")
def row(tmp_path_factory):
    """One axis, that shares no batch, and nothing kept."""
    sweep = Sweep(BASE.replace(n_features=5, n_hidden=2, steps=300), {"sparsity": [0.5, 0.9]}, seeds=2)
    sweep.train(tmp_path_factory.mktemp("row") / "out")
    return sweep


def test_the_last_picture_shows_what_has_become_of_the_feature(plane):
    from tms_engine.figures.colors import phase_colors
    from tms_engine.figures.sweep_film import sweep_reel

    reel = sweep_reel(plane.directory, frames=5)
    assert (reel.over, reel.differing, reel.when[0], reel.when[-1]) == ("steps", 0, "step 0", "step 60")
    assert [side.title for side in reel.sides] == ["importance of feature 1", "density"]
    assert [side.labels for side in reel.sides] == [("0.5", "2"), ("0.1", "0.3", "1")]
    table, weights = plane.table(), plane.weights()
    for k, (density, importance) in enumerate((p, r) for p in (0.1, 0.3, 1) for r in ("1,0.5", "1,2")):
        cell = table.filter(density=density, importance=importance).sort("loss")["row"].to_list()
        assert reel.names[reel.states[-1, k]] == states_of(weights[cell[:1]])[0]
        norm, shared = (of(weights[cell[:2]])[:, 1].mean() for of in (geometry.norms, geometry.interference))
        assert np.allclose(reel.colors[-1, k], phase_colors(norm, shared), atol=1e-5)


def test_values_are_in_order_and_a_cell_shows_its_best_model(tmp_path):
    """Sparsities that are given in any order, of models that end otherwise than the best of them."""
    from tms_engine.figures.sweep_film import sweep_reel

    sweep = Sweep(BASE, {"sparsity": [0.9, 0.3, 0.7]}, seeds=6, weights=True)
    sweep.train(tmp_path / "out")
    table, weights, others = sweep.table(), sweep.weights(), 0
    for color in ("name", 0, 1):
        reel = sweep_reel(sweep.directory, frames=2, color=color)
        assert reel.sides[0].labels == ("0.3", "0.7", "0.9")
        for k, sparsity in enumerate((0.3, 0.7, 0.9)):
            rows = table.filter(sparsity=sparsity).sort("loss")["row"].to_numpy()
            models = weights[rows]
            said = [polytopes(w).name for w in models] if color == "name" else states_of(models, color)
            assert reel.names[reel.states[-1, k]] == said[0]
            others += color != "name" and said[rows[:-1].argmax()] != said[0]
    assert others  # of those in whose mean a cell is coloured, the last one may be in another state


def test_each_picture_shows_the_models_at_its_step(plane):
    from tms_engine.figures.sweep_film import sweep_reel

    reel = sweep_reel(plane.directory, frames=6, color=0)
    best = plane.select(density=0.3, importance="1,2").sort("loss")["row"][0]
    trainer = Trainer(plane.experiment(best))
    for k, when in enumerate(reel.when):
        trainer.advance(int(when.removeprefix("step ")) - trainer.step)
        assert reel.names[reel.states[k, 3]] == states_of(trainer.snapshot().weights, 0)[0]


def test_a_sweep_as_it_was_finished_has_its_cells_one_after_the_other(plane):
    from tms_engine.figures.sweep_film import sweep_film, sweep_reel

    learnt = sweep_reel(plane.directory, frames=3)
    reel = sweep_reel(plane.directory, frames=7, over="shards")
    assert (reel.states >= 0).sum(1).tolist() == list(range(7))
    assert reel.when[2] == "2 of 6 shards finished"
    assert np.allclose(reel.colors[-1], learnt.colors[-1], atol=1e-6)
    assert [reel.names[k] for k in reel.states[-1]] == [learnt.names[k] for k in learnt.states[-1]]
    pictures = list(sweep_film(reel, (400, 240)))
    assert [picture.shape for picture in pictures] == [(240, 400, 3)] * 7
    assert all((one != other).any() for one, other in itertools.pairwise(pictures))


def test_what_is_not_finished_or_damaged_is_not_shown(plane, tmp_path):
    from tms_engine.figures.sweep_film import sweep_reel

    sweep = Sweep(BASE, AXES, seeds=3, weights=True, shard_models=3)
    with pytest.raises(InputError, match="is no directory of a sweep"):
        sweep_reel(tmp_path / "out")
    sweep.train(tmp_path / "out")
    shard_path(tmp_path / "out", 0).unlink()
    shard_path(tmp_path / "out", 3).write_bytes(b"cut short")
    reel = sweep_reel(tmp_path / "out", frames=2)
    # Rows go by density, densest first, and the densest is on top.
    assert (reel.states[-1] >= 0).tolist() == [True, True, True, False, False, True]
    for k in range(6):
        shard_path(tmp_path / "out", k).unlink(missing_ok=True)
    with pytest.raises(InputError, match=r"none of the models in .* is finished yet"):
        sweep_reel(tmp_path / "out")


def test_one_axis_is_a_row_of_polytopes_with_their_names(row):
    from tms_engine.figures.sweep_film import sweep_film, sweep_reel

    reel = sweep_reel(row.directory, frames=4)
    assert reel.sides[0].labels == ("0.5", "0.9")
    best = [row.select(sparsity=s).sort("loss").row(0, named=True) for s in (0.5, 0.9)]
    assert [reel.names[k] for k in reel.states[-1]] == [one["name"] for one in best]
    assert [cell for cell, _ in reel.panels] == [0, 1]
    for (_, tips), one in zip(reel.panels, best, strict=True):
        assert np.array_equal(tips[-1, :, :2], row.run(one).weights[0])
        assert np.array_equal(tips[0, :, :2], Trainer(row.experiment(one)).snapshot().weights[0])
    assert len(list(sweep_film(reel, (400, 240)))) == 4
    kept = sweep_reel(row.directory, frames=2, over="shards")
    assert kept.panels == ()  # it keeps no weights
    assert kept.names[kept.states[-1, 0]] == best[0]["name"]
    with pytest.raises(InputError, match="keeps no weights"):
        sweep_reel(row.directory, over="shards", color=0)


def test_a_plane_is_drawn_flat_and_names_are_those_that_are_seen_also_before_models_are_finished(tmp_path):
    from tms_engine.figures.sweep_film import _Stage, sweep_reel

    base = BASE.replace(n_features=5, n_hidden=2, steps=300)
    Sweep(base, {"sparsity": [0.5, 0.9]}, seeds=3, weights=True).train(tmp_path / "out")
    reel = sweep_reel(tmp_path / "out", frames=2, over="shards")
    assert set(reel.states.ravel().tolist()) - {-1} == set(range(len(reel.names)))
    assert np.isnan(reel.panels[0][1][0]).all()
    assert all(panel._flat for panel in _Stage(reel, (400, 240))._panels)


def test_a_shard_may_have_no_model_that_is_shown(tmp_path):
    from tms_engine.figures.sweep_film import sweep_reel

    Sweep(BASE, {"density": [1, 0.1]}, seeds=3, shard_models=1).train(tmp_path / "out")
    for color in ("name", 1):
        assert (sweep_reel(tmp_path / "out", frames=2, over="steps", color=color).states >= 0).all()


def test_what_takes_long_to_train_again_is_shown_as_it_was_finished(row, monkeypatch):
    from tms_engine.figures import sweep_film

    monkeypatch.setattr(sweep_film, "_TRAINED_AGAIN", 0.0)
    assert sweep_film.sweep_reel(row.directory, frames=2).over == "shards"


def test_axes_in_step_are_one_and_of_three_two_are_shown(tmp_path, capsys):
    from tms_engine.figures.sweep_film import sweep_reel

    base = BASE.replace(steps=5)
    zipped = Sweep(base, {"n_features": [3, 4], "n_hidden": [1, 2]}, zipped=[("n_features", "n_hidden")])
    zipped.train(tmp_path / "zipped")
    assert [side.name for side in sweep_reel(tmp_path / "zipped", frames=2).sides] == ["n_features"]
    three = Sweep(base, {"n_hidden": [1, 2], "sparsity": [0, 0.5], "seed": [1, 2]})
    three.train(tmp_path / "three")
    assert main(["film", str(tmp_path / "three")]) == 2
    said = capsys.readouterr().err
    assert "has 3 axes, n_hidden, sparsity and seed, and a film shows two" in said
    assert "--at seed=1" in said
    reel = sweep_reel(tmp_path / "three", frames=2, at={"seed": 2})
    assert [side.name for side in reel.sides] == ["n_hidden", "sparsity"]
    assert reel.sides[1].labels == ("0.5", "0")  # the densest on top
    last = load_sweep(tmp_path / "three").select(seed=2, sparsity=0, n_hidden=1)["name"][0]
    states = sweep_reel(tmp_path / "three", frames=2, at={"seed": 2}, color="name")
    assert states.names[states.states[-1, 2]] == last


def test_the_command_writes_a_film_of_a_sweep(plane, tmp_path, capsys):
    path = tmp_path / "fill.gif"
    words = ["film", str(plane.directory), "--seconds=.5", "--fps=10", "--size=300x200", f"--out={path}"]
    assert main(words) == 0
    told = capsys.readouterr()
    assert told.out == f"{path}\n"
    assert "18 of 18 models trained again" not in told.err  # the worst of each cell is not needed
    assert "12 of 12 models trained again" in told.err
    with Image.open(path) as film:
        assert (film.size, film.n_frames) == ((300, 200), 5)
    before = sorted(p.name for p in plane.directory.rglob("*"))
    for words, sentence in [
        (["--instance=1"], "--instance is for a film of a run, and this is a sweep"),
        (["--color=2"], "color should be name, or a feature from 0 to 1, not 2"),
        (["--color=red"], "color should be name, or the number of a feature, not 'red'"),
        (["--at=density"], "at should be AXIS=VALUE"),
        (["--at=density=0.2"], "density has no value 0.2 in this table; the nearest is"),
        (["--at=steps=3"], "steps is no axis of this sweep"),
        (["--out=film.webm"], "a film should be a .gif or .mp4"),
    ]:
        assert main(["film", str(plane.directory), *words]) == 2
        assert sentence in capsys.readouterr().err
    assert sorted(p.name for p in plane.directory.rglob("*")) == before
