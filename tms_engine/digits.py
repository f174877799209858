"""Numbers as text, with significant digits: the one way in which losses, their errors and S are written.

A number that is not 0 is never written as 0.00000, and one with an error has the decimals that the error
leaves. Loads nothing, so that the command line answers at once.
"""

import math

# Losses that are exact have an error below so much of them.
EXACT = 1e-6
# Powers of ten between which numbers are written out: .0001234 to 999999.
_LEAST, _MOST = -4, 6
# Decimals behind the first digit, at most: double precision has no more.
_DECIMALS = 14


def number(value: float | None, digits: int = 4) -> str:
    """A number to so many significant digits, as 0.003803 or 3.803e-7; 0 only if it is 0."""
    if value is None or not math.isfinite(value):
        return "not finite"
    if value == 0:
        return "0"
    power = _power(value, digits)
    if _LEAST <= power < _MOST:
        return f"{value:.{max(digits - 1 - power, 0)}f}"
    return _scaled(value, power, digits - 1)


def short(value: float) -> str:
    """A value of about 1 in few characters, as .92, -.74, 1.25 or 12.3: two significant digits below 1, three
    above, no 0 before the point."""
    if not math.isfinite(value):
        return "not finite"
    text = number(value, 2 if abs(value) < 0.995 else 3)
    return text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text


def how_exact(rows: int) -> str:
    """How losses on fresh data were worked out: from so many rows that were drawn, or from none."""
    return f"{rows:,} rows drawn" if rows else f"exact to {number(EXACT, 1)}"


def with_error(
    value: float | None, error: float | None, sign: bool = False, least: float = 0.0
) -> tuple[str, str]:
    """A number, and its standard error, as 0.003803 and 0.000006, or 3.80e-7 and 0.02e-7.

    The error has one significant digit, two if the first is 1; the number has the same decimals and, if any,
    the same power of ten. An error of 0 leaves six digits, or those to the first one of `least`: of the
    difference of two exact losses, EXACT of either. With `sign`, a number above 0 begins with +.
    """
    plus = "+" if sign and value is not None and value > 0 else ""
    if value is None or error is None or not math.isfinite(value) or not math.isfinite(error):
        return plus + number(value), "not known"
    if error == 0:
        return (with_error(value, least, sign)[0] if least else plus + number(value, 6)), "0"
    last = _power(error, 1)
    if f"{error:e}"[0] == "1":
        last -= 1
    power = max(_power(value, 3), _power(error, 1)) if value else _power(error, 1)
    last = max(last, power - _DECIMALS)
    tells = error >= 0.5 * 10.0**last  # an error beyond double precision has digits of its own
    if value != 0 and abs(value) <= 0.5 * 10.0**last:  # far below its error
        return plus + number(value, 2), number(error, 1)
    if _LEAST <= power < _MOST:
        decimals = max(-last, 0)
        return f"{plus}{value:.{decimals}f}", f"{error:.{decimals}f}" if tells else number(error, 1)
    decimals = max(power - last, 0)
    return plus + _scaled(value, power, decimals), _scaled(error, power, decimals) if tells else number(
        error, 1
    )


def sparsity(value: float) -> str:
    """S with as many digits as it takes for three of 1 − S: 0.95, 0.283, 0.99988."""
    p = 1 - value
    decimals = 2 if p <= 0 else max(2, 2 - math.floor(math.log10(p)))
    text = f"{value:.{decimals}f}".rstrip("0").rstrip(".")
    return text or "0"


def _power(value: float, digits: int) -> int:
    """The power of ten of the first digit, after rounding to so many."""
    return int(f"{value:.{digits - 1}e}".split("e")[1])


def _scaled(value: float, power: int, decimals: int) -> str:
    return f"{value / 10.0**power:.{decimals}f}e{power}" if abs(power) < 300 else f"{value:.{decimals}e}"
