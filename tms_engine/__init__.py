"""Toy Models of Superposition: data, training, geometry and figures, without a screen.

    from tms_engine import Experiment, evaluate, train
    run = train(Experiment(n_features=5, n_hidden=2, sparsity=[0.7, 0.9], n_instances=2))
    run.weights         # (instances, features, hidden)
    evaluate(run).loss  # (instances,)

An `Experiment` holds every choice that defines a run. `train`, or a `Trainer` step by step, makes a `Run`
of it, which `evaluate`, `summarize`, `geometry` and the figure functions take, and which `save_run` and
`load_run` keep on disk. A `Sweep` is many models over a grid, with one table. `register_law` and
`register_model` bring data laws and models of your own. A
user's mistake raises `InputError`, a ValueError, with one sentence. The repository's `examples/` has a
short script on each.

Every array has an instance axis in front, also where there is one instance. The names below are loaded when
they are first used: `import tms_engine` itself loads neither numpy nor torch.
"""

from importlib import import_module

# As in typing, whose import takes milliseconds in which Ctrl-C would be a traceback.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from tms_engine.analysis import geometry, phases, projection, theory
    from tms_engine.analysis.alignment import Alignment, align
    from tms_engine.analysis.evaluation import (
        Comparison,
        Evaluation,
        FeatureLosses,
        compare,
        evaluate,
        feature_losses,
        summarize,
    )
    from tms_engine.analysis.polytopes import (
        Names,
        Part,
        Polytopes,
        SolidEdges,
        hull_edges,
        name_instances,
        polytopes,
        solid_edges,
    )
    from tms_engine.analysis.projection import Camera
    from tms_engine.data import LawParameters, register_law
    from tms_engine.errors import InputError
    from tms_engine.experiment import Experiment
    from tms_engine.figures.cloud import cloud_figure
    from tms_engine.figures.contact_sheet import contact_sheet_figure
    from tms_engine.figures.dimensionalities import dimensionalities_figure
    from tms_engine.figures.dimensionality import dimensionality_figure
    from tms_engine.figures.gram import gram_figure
    from tms_engine.figures.loss import loss_figure
    from tms_engine.figures.losses import losses_figure
    from tms_engine.figures.n_active import n_active_figure
    from tms_engine.figures.saving import save_figures, save_html
    from tms_engine.figures.weights import weights_figure
    from tms_engine.models import Model, Sizes, register_model
    from tms_engine.presets import PRESETS, preset
    from tms_engine.runs import load_run, save_run, train
    from tms_engine.sweeps import Sweep, load_sweep
    from tms_engine.training.run import Run
    from tms_engine.training.state import Change, Snapshot
    from tms_engine.training.trainer import Trainer

    __version__: str

_HOMES = {
    "Alignment": "analysis.alignment",
    "align": "analysis.alignment",
    "Comparison": "analysis.evaluation",
    "compare": "analysis.evaluation",
    "Evaluation": "analysis.evaluation",
    "evaluate": "analysis.evaluation",
    "FeatureLosses": "analysis.evaluation",
    "feature_losses": "analysis.evaluation",
    "summarize": "analysis.evaluation",
    "Names": "analysis.polytopes",
    "Part": "analysis.polytopes",
    "Polytopes": "analysis.polytopes",
    "hull_edges": "analysis.polytopes",
    "name_instances": "analysis.polytopes",
    "polytopes": "analysis.polytopes",
    "SolidEdges": "analysis.polytopes",
    "solid_edges": "analysis.polytopes",
    "Camera": "analysis.projection",
    "LawParameters": "data",
    "register_law": "data",
    "InputError": "errors",
    "Experiment": "experiment",
    "cloud_figure": "figures.cloud",
    "contact_sheet_figure": "figures.contact_sheet",
    "dimensionalities_figure": "figures.dimensionalities",
    "dimensionality_figure": "figures.dimensionality",
    "gram_figure": "figures.gram",
    "loss_figure": "figures.loss",
    "losses_figure": "figures.losses",
    "n_active_figure": "figures.n_active",
    "save_figures": "figures.saving",
    "save_html": "figures.saving",
    "weights_figure": "figures.weights",
    "Model": "models",
    "Sizes": "models",
    "register_model": "models",
    "PRESETS": "presets",
    "preset": "presets",
    "load_run": "runs",
    "save_run": "runs",
    "train": "runs",
    "Sweep": "sweeps",
    "load_sweep": "sweeps",
    "Run": "training.run",
    "Change": "training.state",
    "Snapshot": "training.state",
    "Trainer": "training.trainer",
}
_MODULES = ("geometry", "phases", "projection", "theory")

__all__ = [
    "PRESETS",
    "Alignment",
    "Camera",
    "Change",
    "Comparison",
    "Evaluation",
    "Experiment",
    "FeatureLosses",
    "InputError",
    "LawParameters",
    "Model",
    "Names",
    "Part",
    "Polytopes",
    "Run",
    "Sizes",
    "Snapshot",
    "SolidEdges",
    "Sweep",
    "Trainer",
    "__version__",
    "align",
    "cloud_figure",
    "compare",
    "contact_sheet_figure",
    "dimensionalities_figure",
    "dimensionality_figure",
    "evaluate",
    "feature_losses",
    "geometry",
    "gram_figure",
    "hull_edges",
    "load_run",
    "load_sweep",
    "loss_figure",
    "losses_figure",
    "n_active_figure",
    "name_instances",
    "phases",
    "polytopes",
    "preset",
    "projection",
    "register_law",
    "register_model",
    "save_figures",
    "save_html",
    "save_run",
    "solid_edges",
    "summarize",
    "theory",
    "train",
    "weights_figure",
]

if not TYPE_CHECKING:

    def __getattr__(name):
        if name in _HOMES:
            return getattr(import_module(f"tms_engine.{_HOMES[name]}"), name)
        if name in _MODULES:
            return import_module(f"tms_engine.analysis.{name}")
        if name == "__version__":
            from importlib.metadata import version

            return version("tms-tui")
        raise AttributeError(f"module 'tms_engine' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
