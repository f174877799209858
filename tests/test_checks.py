"""The check of signatures, which every test passes through, finds what is wrong."""

import jaxtyping
import numpy as np
import pytest

from tests import checks
from tms_engine import geometry

RIGHT = np.zeros((1, 2, 3), np.float32)
WRONG = RIGHT.astype(np.int64)  # which the function itself would take


def test_an_argument_of_another_kind_is_found_at_once():
    with pytest.raises(jaxtyping.TypeCheckError):
        geometry.norms(WRONG)


def test_of_a_function_that_is_called_often_later_calls_are_checked_now_and_then():
    for _ in range(3 * checks.ONE_IN):
        geometry.norms(RIGHT)
    refused = 0
    for _ in range(checks.ONE_IN):
        try:
            geometry.norms(WRONG)
        except jaxtyping.TypeCheckError:
            refused += 1
    assert refused == 1
