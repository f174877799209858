"""Names for the geometry of an instance: which solids its represented features are, and how nearly.

    from tms_engine import name_instances, polytopes
    names = name_instances(run.weights)     # of every instance: names, residuals
    polytopes(run.weights[0]).title         # "square antiprism, 4° off"
    polytopes(run.weights[0]).parts         # name, features, dimension and residual of each part

The features with ‖W_j‖ > ½ are taken as directions: norms do not count. They are split into **parts** that
span orthogonal spaces, the factors of a tegum product (paper, "geometry"; `parting.py` says how). A part is
never itself such a product: a square is two digons, an octahedron three, a triangular bipyramid a triangle
and a digon. Each part has the name of the nearest ideal (`ideals.py`), and a residual: the root-mean-square
angle between its features and the vertices of the ideal, after the best rotation and matching. Where no ideal
is within 15° it is "8 in 3": so many features in so many dimensions.

The **name of the whole** is told by its parts, "two digons and a triangle". Parts that make a solid of three
dimensions have its name, as in the paper: octahedron, or triangular, pentagonal … bipyramid. In the plane the
paper speaks of a pair of digons, not of a square, and so does this. The residual of the whole is that of all
features in named parts, after one rotation: it counts also that parts are not quite orthogonal. Names have no
sharp borders: trained models form continua, as from the square antiprism to the snub disphenoid, so the
residual belongs beside the name.
"""

from tms_engine.analysis.polytopes.edges import SolidEdges, solid_edges
from tms_engine.analysis.polytopes.hull import hull_edges
from tms_engine.analysis.polytopes.naming import (
    Names,
    Part,
    Polytopes,
    is_compiled,
    name_instances,
    polytopes,
)
from tms_engine.analysis.polytopes.words import title

__all__ = [
    "Names",
    "Part",
    "Polytopes",
    "SolidEdges",
    "hull_edges",
    "is_compiled",
    "name_instances",
    "polytopes",
    "solid_edges",
    "title",
]
