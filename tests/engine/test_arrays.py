"""Rows of arrays that are alike."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tms_engine.arrays import different_rows, places_of_each


@given(
    st.integers(1, 3).flatmap(
        lambda columns: st.lists(
            st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=columns, max_size=columns),
            min_size=1,
            max_size=12,
        )
    )
)
def test_different_rows_are_those_of_numpy_with_their_places(rows):
    array = np.array(rows).reshape(len(rows), -1)
    ours, which = different_rows(array)
    theirs, as_theirs = np.unique(array, axis=0, return_inverse=True)
    assert np.array_equal(ours, theirs)
    assert np.array_equal(which, as_theirs.ravel())
    for k, places in enumerate(places_of_each(which)):
        assert np.array_equal(places, np.flatnonzero(which == k))
