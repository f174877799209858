"""wall_scene: from a snapshot to the vectors of some of its instances, as the wall shows them."""

import numpy as np
from jaxtyping import Float32, Float64

from tms_engine.analysis import projection
from tms_engine.training.state import Snapshot
from tms_tui.drawing.scene import UNSELECTED, stacked_origins
from tms_tui.drawing.wall import WallScene
from tms_tui.space_scene import axes_of, feature_colors
from tms_tui.view_options import ViewOptions

# Vectors that are drawn on all tiles together.
_MOST_VECTORS = 1 << 12
# How many times as long as in the middle one of the tiles vectors may be before they are cut off.
_LONGEST = 2.0


@np.errstate(over="ignore", invalid="ignore")  # of a diverged instance; what is not finite is not drawn
def wall_scene(shown: Snapshot, options: ViewOptions, instances: tuple[int, ...]) -> WallScene:
    """The vectors of these instances at the step that is shown, each in its own basis, at one scale."""
    n, m = shown.weights.shape[1:]
    kept = min(n, max(1, _MOST_VECTORS // max(1, len(instances))))
    some = np.arange(kept) * n // kept
    if options.feature is not None and kept < n:
        some = np.union1d(some, [options.feature])
    weights = shown.weights[list(instances)]
    tips = weights[:, some] @ _bases(options, weights)
    reaches = np.sqrt(np.square(tips.astype(np.float64)).sum(-1)).max(-1, initial=0)
    reach = max(1.0, 1.08 * _common(reaches))
    starts = np.zeros_like(tips)
    if m == 1:  # all vectors lie on one line and would hide each other: each gets a height
        starts += stacked_origins(n, 1.6 * reach)[some]
        tips = tips + starts
    strengths = np.ones(len(some), np.float32)
    if options.feature is not None:
        strengths[some != options.feature] = UNSELECTED
    radius = float(np.ceil(10 * reach)) / 10  # in steps, so that the scale does not change with every update
    segments = np.stack([starts, tips], 2)
    return WallScene(segments, feature_colors(options.palette, some), strengths, radius, m < 3)


def _bases(
    options: ViewOptions, weights: Float32[np.ndarray, "instances features hidden"]
) -> Float32[np.ndarray, "_ hidden 3"]:
    """The basis of each instance, or one for all."""
    m = weights.shape[2]
    if m > 3 and options.projection == "grand tour":
        return projection.tour_basis(m, options.tour_time)[None]
    axes = axes_of(options, m)
    if m <= 3 or axes is not None or not len(weights):
        return projection.basis_for(np.zeros((1, m), np.float32), axes)[None]
    return np.stack([projection.pca_basis(one) for one in weights])


def _common(reaches: Float64[np.ndarray, " instances"]) -> float:
    """The greatest length, but of instances far beyond the others, such as have diverged, not theirs."""
    finite = reaches[np.isfinite(reaches)]
    if not len(finite):
        return 1.0
    return float(min(finite.max(), _LONGEST * max(float(np.median(finite)), 0.5)))
