"""Memo: the one cache between weights and characters."""

from collections.abc import Callable
from types import NoneType
from typing import Any, TypeVar

from tms_engine.analysis.projection import Camera
from tms_engine.experiment import Experiment
from tms_tui.reading import Reading
from tms_tui.view_options import ViewOptions

Result = TypeVar("Result")

_BY_VALUE = (bool, int, float, str, NoneType, Camera, Experiment, ViewOptions, Reading)


class Memo:
    """Keeps the latest results of pure functions, and gives them again for the same arguments.

    Numbers, texts, plain tuples of them, cameras, experiments and view options are compared by value.
    Everything else, such as arrays and records of them, is compared by identity and must not be written to.
    """

    def __init__(self) -> None:
        self._kept: dict[Callable[..., Any], list[tuple[tuple[Any, ...], Any]]] = {}

    def __call__(self, function: Callable[..., Result], *arguments: Any) -> Result:
        """function(*arguments), worked out again only if the arguments are not those of the last call."""
        return self.latest(1, function, *arguments)

    def latest(self, n_kept: int, function: Callable[..., Result], *arguments: Any) -> Result:
        """The same with the results for the latest `n_kept` different arguments."""
        kept = self._kept.setdefault(function, [])
        for i, (known, result) in enumerate(kept):
            if len(known) == len(arguments) and all(map(same, known, arguments)):
                if i:
                    kept.insert(0, kept.pop(i))
                return result
        made = function(*arguments)
        kept.insert(0, (arguments, made))
        del kept[n_kept:]
        return made


def same(a: object, b: object) -> bool:
    """Whether two arguments are the same, in the way that Memo compares them."""
    # Of an array and None, or a number, == makes an array.
    return a is b or (_is_plain(a) and _is_plain(b) and a == b)


def _is_plain(a: object) -> bool:
    return isinstance(a, _BY_VALUE) or type(a) is tuple
