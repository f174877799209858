"""Sets of set_size neighbours that fire with probability p = 1 − S: exactly one member, chosen evenly.

(Paper, "Correlated and anticorrelated features".)
"""

from jaxtyping import Float32, Int64

from tms_engine.arrays import Array, library_of
from tms_engine.data import LawParameters
from tms_engine.data.correlated import check, in_sets
from tms_engine.data.stream import magnitude, upper

__all__ = ["check", "sample"]


def sample(
    word: Int64[Array, "*lead instances rows features"], parameters: LawParameters
) -> Float32[Array, "*lead instances rows features"]:
    """A set fires by its first member's word; its last member's chooses which one."""
    members, fires = in_sets(word, parameters)
    chosen = (upper(members[..., -1:]) * parameters.set_size) >> 32
    member = library_of(word).arange(parameters.set_size, device=word.device)
    return (magnitude(members) * (fires & (member == chosen))).reshape(word.shape)
