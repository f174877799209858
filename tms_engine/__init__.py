"""Toy Models of Superposition: data, training, geometry and figures, without a screen.

The public names, loaded when first used: `import tms_engine` itself loads no torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tms_engine.analysis import geometry, projection, theory
    from tms_engine.analysis.evaluation import Evaluation, evaluate, summarize
    from tms_engine.analysis.projection import Camera
    from tms_engine.errors import InputError
    from tms_engine.experiment import Experiment
    from tms_engine.figures import save_figures, save_html
    from tms_engine.presets import PRESETS, preset
    from tms_engine.runs import load_run, save_run, train
    from tms_engine.training.run import Run
    from tms_engine.training.state import Snapshot
    from tms_engine.training.trainer import Trainer

_HOMES = {
    "InputError": "errors",
    "Experiment": "experiment",
    "PRESETS": "presets",
    "preset": "presets",
    "Trainer": "training.trainer",
    "Run": "training.run",
    "Snapshot": "training.state",
    "train": "runs",
    "load_run": "runs",
    "save_run": "runs",
    "evaluate": "analysis.evaluation",
    "Evaluation": "analysis.evaluation",
    "summarize": "analysis.evaluation",
    "Camera": "analysis.projection",
    "save_figures": "figures",
    "save_html": "figures",
}
_MODULES = ("geometry", "projection", "theory")

__all__ = [
    "PRESETS",
    "Camera",
    "Evaluation",
    "Experiment",
    "InputError",
    "Run",
    "Snapshot",
    "Trainer",
    "evaluate",
    "geometry",
    "load_run",
    "preset",
    "projection",
    "save_figures",
    "save_html",
    "save_run",
    "summarize",
    "theory",
    "train",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"tms_engine.{_HOMES[name]}"), name)
    if name in _MODULES:
        return import_module(f"tms_engine.analysis.{name}")
    raise AttributeError(f"module 'tms_engine' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
