"""From a run and a ViewOptions to the scenes of the space view: which points, which colours, which vectors.

The samples are fixed, so a cloud's points flow as the weights learn. Sampling, encoding and projection are
the engine's and run on its device.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float32

from tms_engine.analysis import projection
from tms_engine.analysis.projection import Camera
from tms_engine.arrays import Array, to_host
from tms_engine.experiment import Experiment
from tms_engine.figures import colors
from tms_tui.drawing.scene import (
    Scene,
    axes_scene,
    flat_camera,
    merge,
    sphere_scene,
    stacked_origins,
    weights_scene,
)
from tms_tui.view_options import Coloring, Data, ViewOptions

# More entries than this make a sample smaller: a picture has no room for them.
_MAX_ENTRIES = 1 << 24


class Panel(NamedTuple):
    """One scene of the space view; three of them stand side by side, under one camera."""

    title: str
    scene: Scene


class Picture(NamedTuple):
    """All that the space view draws, and from where."""

    panels: tuple[Panel, ...]
    radius: float  # of the scene around the origin that the view has room for
    flat: bool  # one or two hidden dimensions: nothing to turn
    camera: Camera

    def seen_from(self, camera: Camera) -> "Picture":
        """The same scenes under another camera; a flat one keeps looking straight at the plane."""
        return self._replace(camera=flat_camera(camera.zoom) if self.flat else camera)


class Clouds:
    """The fixed samples in use, on their device, with the colours that depend on nothing else."""

    def __init__(self) -> None:
        self._samples: dict[tuple[object, ...], Array] = {}
        self._inputs: dict[int, Float32[np.ndarray, "rows features"]] = {}

    def sample(
        self, experiment: Experiment, device: str, instance: int, rows: int, n_active: int | None
    ) -> Float32[Array, "rows features"]:
        """Inputs (rows, features) of one instance: as it is trained on, or with exactly `n_active` active."""
        key = (experiment.alone(instance).to_json(), device, instance, rows, n_active)
        if key not in self._samples:
            from tms_engine.analysis.clouds import cloud_sample

            while len(self._samples) >= 4:  # the three clouds side by side, and one more
                dropped = self._samples.pop(next(iter(self._samples)))
                self._inputs.pop(id(dropped), None)
            self._samples[key] = cloud_sample(experiment, instance, rows, device, n_active)
        return self._samples[key]

    def inputs(self, x: Float32[Array, "rows features"]) -> Float32[np.ndarray, "rows features"]:
        """A sample as an array on the host."""
        if id(x) not in self._inputs:
            self._inputs[id(x)] = to_host(x)
        return self._inputs[id(x)]


def picture(
    look: ViewOptions,
    experiment: Experiment,
    device: str,
    weights: Float32[np.ndarray, "instances features hidden"],
    bias: Float32[np.ndarray, "instances features"] | None,
    clouds: Clouds,
) -> Picture:
    """What the space view shows of one instance's weights."""
    w = weights[look.instance]
    b = None if bias is None else bias[look.instance]
    n, m = w.shape
    basis = basis_of(look, w)
    tips = w @ basis
    palette = feature_colors(look, n)
    reach = max(1.0, 1.12 * _length(tips))
    # On a line, which one hidden dimension is, all would hide each other: each feature has its own height.
    origins = stacked_origins(n, reach) if m == 1 else np.zeros((n, 3), np.float32)
    vectors = weights_scene(origins + tips, palette, look.feature, origins)
    drawn = []
    for title, n_active in _clouds_of(look.data, n):
        x = clouds.sample(experiment, device, look.instance, min(look.points, _MAX_ENTRIES // n), n_active)
        from tms_engine.analysis.clouds import project

        points = project(x, w, basis)
        if m == 1:
            points += origins[clouds.inputs(x).argmax(-1)]
        drawn.append((title, points, _colors(look.coloring, look, x, clouds.inputs(x), w, b, palette)))
        # All but a few points are in view, where three clouds share the width a few more; those beyond are
        # cut off at the edge.
        most = 0.995 if look.data != "1, 2, 3 active" else 0.97
        reach = max(reach, 1.05 * float(np.quantile(np.linalg.norm(points, axis=1), most)))
    radius = float(np.ceil(10 * reach)) / 10  # in steps, so that it does not breathe with every update
    guides = _guides(look, m, radius)
    if not drawn:
        panels: tuple[Panel, ...] = (Panel("", merge((guides, vectors))),)
    else:
        panels = tuple(
            Panel(title, merge((guides, Scene(points, cloud), vectors))) for title, points, cloud in drawn
        )
    return Picture(panels, radius, m < 3, look.camera).seen_from(look.camera)


def _clouds_of(data: Data, n_features: int) -> list[tuple[str, int | None]]:
    """Titles of the clouds that `data` stands for, and the number of active features where it is fixed."""
    if data == "none":
        return []
    if data == "trained":
        return [("", None)]
    if data == "1, 2, 3 active":
        return [(f"{k} active", k) for k in (1, 2, 3) if k <= n_features]
    return [("", min(int(data[0]), n_features))]


def feature_colors(look: ViewOptions, n_features: int) -> Float32[np.ndarray, "features 3"]:
    return colors.feature_colors(n_features, colors.SAFE if look.palette == "safe" else colors.TABLEAU)


def basis_of(
    look: ViewOptions, weights: Float32[np.ndarray, "features hidden"]
) -> Float32[np.ndarray, "hidden 3"]:
    """The basis in which the look shows one instance's hidden space."""
    m = weights.shape[1]
    if m > 3 and look.projection == "grand tour":
        return projection.tour_basis(m, look.tour_time)
    return projection.basis_for(weights, axes_of(look, m))


def axes_of(look: ViewOptions, n_hidden: int) -> tuple[int, ...] | None:
    """The hidden dimensions chosen to be drawn, where there are more than 3; else None."""
    if n_hidden <= 3 or look.projection != "axes":
        return None
    return tuple(dict.fromkeys(axis % n_hidden for axis in look.axes))


def _guides(look: ViewOptions, n_hidden: int, radius: float) -> Scene:
    dims = min(n_hidden, 3)
    if look.guides == "nothing":
        return merge(())
    axes = axes_scene(dims, _axis_names(look, n_hidden), 0.95 * radius)
    return axes if look.guides == "axes" else merge((axes, sphere_scene(dims)))


def _axis_names(look: ViewOptions, n_hidden: int) -> tuple[str, ...]:
    if n_hidden <= 3:
        return ("X", "Y", "Z")[:n_hidden]
    chosen = axes_of(look, n_hidden)
    if chosen is not None:
        return tuple(map(str, chosen))
    return ("PC 1", "PC 2", "PC 3") if look.projection == "PCA" else ("", "", "")


def _length(points: Float32[np.ndarray, "rows 3"]) -> float:
    lengths = np.linalg.norm(points, axis=-1)
    return float(lengths[np.isfinite(lengths)].max(initial=0))


def _colors(
    coloring: Coloring,
    look: ViewOptions,
    x: Float32[Array, "rows features"],
    inputs: Float32[np.ndarray, "rows features"],
    weights: Float32[np.ndarray, "features hidden"],
    bias: Float32[np.ndarray, " features"] | None,
    palette: Float32[np.ndarray, "features 3"],
) -> Float32[np.ndarray, "rows 3"]:
    if coloring == "one feature":
        return colors.viridis(inputs[:, look.feature or 0])
    if coloring == "strongest feature":
        return colors.strongest(inputs, palette)
    if coloring == "error":
        from tms_engine.analysis.clouds import reconstruction_errors

        errors = reconstruction_errors(x, weights, bias)
        # Bright where the error is that of a row that is lost whole: most rows are far below the worst.
        return colors.viridis(np.clip(np.sqrt(errors / max(float(np.quantile(errors, 0.99)), 1e-12)), 0, 1))
    return colors.mix(inputs, palette)
