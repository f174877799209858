import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tms_engine.digits import number, sparsity, with_error


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.00380312, "0.003803"),
        (3.8031e-7, "3.803e-7"),
        (0.99999, "1.000"),
        (9.99996e-5, "0.0001000"),
        (0.0001, "0.0001000"),
        (12.0, "12.00"),
        (123456.0, "123456"),
        (1e30, "1.000e30"),
        (-0.00123, "-0.001230"),
        (5e-324, "4.941e-324"),
        (0.0, "0"),
        (None, "not finite"),
        (math.nan, "not finite"),
        (math.inf, "not finite"),
    ],
)
def test_a_number_has_significant_digits(value, text):
    assert number(value) == text


@pytest.mark.parametrize(
    ("value", "error", "texts"),
    [
        (0.003803, 0.00006, ("0.00380", "0.00006")),
        (0.0038031, 0.0000123, ("0.003803", "0.000012")),
        (3.8e-7, 2e-9, ("3.80e-7", "0.02e-7")),
        (8.47e-12, 1e-14, ("8.470e-12", "0.010e-12")),
        (9.9e-5, 3e-7, ("9.90e-5", "0.03e-5")),
        (0.0366, 0.0, ("0.0366000", "0")),
        (0.0, 0.0, ("0", "0")),
        (0.0, 3e-7, ("0e-7", "3e-7")),
        (1e-9, 3e-7, ("1.0e-9", "3e-7")),
        (0.5, 0.96, ("0.50", "1")),
        (1234567.0, 1000.0, ("1.2346e6", "0.0010e6")),
        (None, 0.1, ("not finite", "not known")),
        (0.25, None, ("0.2500", "not known")),
    ],
)
def test_a_number_has_the_decimals_that_its_error_leaves(value, error, texts):
    assert with_error(value, error) == texts


def test_a_difference_has_its_sign():
    assert with_error(1.23e-5, 4e-6, sign=True) == ("+1.2e-5", "0.4e-5")
    assert with_error(-0.0123, 0.004, sign=True) == ("-0.012", "0.004")


@given(st.floats(1e-300, 1e300), st.floats(1e-300, 1e300))
def test_nothing_but_0_is_written_as_0(value, error):
    value_text, error_text = with_error(value, error)
    assert float(number(value)) == pytest.approx(value, rel=1e-3)
    assert float(value_text) > 0
    assert float(error_text) == pytest.approx(error, rel=0.5)
    assert abs(float(value_text) - value) <= 0.51 * error + 0.06 * value


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.95, "0.95"), (1 - 0.05, "0.95"), (0.9500000001, "0.95"), (0, "0"), (0.1, "0.1"), (0.5, "0.5"),
     (1 - 20 ** (-1 / 9), "0.283"), (0.999, "0.999"), (1 - 0.00012, "0.99988"), (0.9 + 0.06, "0.96"),
     (1 - 1e-9, "0.999999999")],
)  # fmt: skip
def test_sparsity_is_written_plainly(value, text):
    assert sparsity(value) == text


@given(st.floats(0, 1, exclude_max=True))
def test_the_density_can_be_read_from_a_sparsity_to_three_digits(value):
    assert 1 - float(sparsity(value)) == pytest.approx(1 - value, rel=0.0051)
