"""What every test checks besides its own claims: that arrays which go in and come out are as signatures say.

Types by beartype, to which an int is a float, as PEP 484 has it; shapes by jaxtyping. A check takes a hundred
times as long as a small function, so that of a function that a test calls often not every call is checked,
and of one whose signature has no array none is: those are mypy's.
"""

import functools
import inspect
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import jaxtyping

# beartype looks at an item of a list by chance, also in threads that are still at work when the next test has
# begun. Its chance is its own: hypothesis holds that of `random` to what it has drawn itself.
_shared, random.getrandbits = random.getrandbits, random.Random(0).getrandbits
from beartype import BeartypeConf, beartype  # noqa: E402

random.getrandbits = _shared

# Of the calls of a function in a test, the first are checked, and then one in so many.
FIRST, ONE_IN = 20, 50

check = beartype(conf=BeartypeConf(is_pep484_tower=True))

_jaxtyped = jaxtyping.jaxtyped
_calls: Counter[Any] = Counter()


def begin() -> None:
    """A test begins: none of its calls has been checked."""
    _calls.clear()


def jaxtyped(typechecker: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """In the place of `jaxtyping.jaxtyped`, which jaxtyping's import hook puts over every function."""

    def decorate(function: Any) -> Any:
        if not inspect.isfunction(function):
            return _jaxtyped(function, typechecker=typechecker)
        if not any(array in str(function.__annotations__) for array in ("ndarray", "Tensor")):
            return function
        # Functions within functions are made anew at each call: all that are made of one code count as one.
        code, checked = function.__code__, None

        @functools.wraps(function)
        def often(*arguments: Any, **named: Any) -> Any:
            nonlocal checked
            __tracebackhide__ = True
            _calls[code] = number = _calls[code] + 1
            if number > FIRST and number % ONE_IN:
                return function(*arguments, **named)
            if checked is None:  # it takes some milliseconds to make
                checked = _jaxtyped(function, typechecker=typechecker)
            return checked(*arguments, **named)

        return often

    return decorate
