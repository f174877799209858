"""The figures: one table, and a file a figure beside it. saving.py writes them.

To add one: a file NAME.py with `NAME_figure`, one line in the table, its tests. `NAME_figure(run, ...)`
returns a matplotlib Figure, and `NAME_html`, where there is a twin for a browser, a plotly Figure. Both take
`instance`, `step`, the kept step to draw (None: the run's last), and `camera` and `axes` as the table says; a
figure of one panel also takes `ax`, to draw into an Axes of yours. A figure of a population is of all
instances, takes no `instance`, and is drawn where there are several.

Only matplotlib's object interface and Agg are used, never pyplot's state, so figures can be made in any
thread or script, and they do not depend on the user's matplotlib settings, but in Axes of the user's.
Importing this package loads neither matplotlib nor numpy.
"""

import difflib
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any, NamedTuple

from tms_engine.errors import InputError


class Entry(NamedTuple):
    """What is known of a figure before it is loaded."""

    help: str  # one line
    html: bool = False  # whether it has a twin for a browser
    spatial: bool = False  # whether it is a view of hidden space, from a camera
    population: bool = False  # whether it is of all instances together


FIGURES: dict[str, Entry] = {
    "weights": Entry("the weight vectors, from the origin", html=True, spatial=True),
    "cloud": Entry("the hidden activations of 100,000 inputs", html=True, spatial=True),
    "n_active": Entry("the clouds for exactly 1, 2 and 3 active features", html=True, spatial=True),
    "loss": Entry("batch loss against steps, of one instance among all"),
    "gram": Entry("W Wᵀ as a heat map"),
    "dimensionality": Entry("each feature's D, beside those of the uniform solids"),
    "contact_sheet": Entry(
        "of several instances: the best, the worst and one of each name, in space",
        html=True,
        spatial=True,
        population=True,
    ),
    "losses": Entry("of several instances: the losses on fresh data, by names", population=True),
    "dimensionalities": Entry(
        "of several instances: the D of all features, and the ideal values", population=True
    ),
}

# Dots per inch. With the most, the largest figure takes about half a gigabyte while it is drawn.
_LEAST_DPI, _MOST_DPI = 10, 600


def check_dpi(dpi: int) -> None:
    """Raise InputError for a resolution that is not drawn."""
    if not _LEAST_DPI <= dpi <= _MOST_DPI:
        raise InputError(f"dpi should be from {_LEAST_DPI} to {_MOST_DPI}, not {dpi}")


def figure_function(name: str, suffix: str = "figure") -> Callable[..., Any]:
    """The function that draws a figure of the table, or with the suffix "html" its twin."""
    function: Callable[..., Any] = getattr(import_module(f"tms_engine.figures.{name}"), f"{name}_{suffix}")
    return function


def check_names(names: Sequence[str]) -> None:
    """Raise InputError for a name that no figure has."""
    for name in names:
        if name not in FIGURES:
            near = difflib.get_close_matches(name, FIGURES, n=1)
            hint = f"did you mean {near[0]}?" if near else "the figures are " + ", ".join(FIGURES)
            raise InputError(f"there is no figure {name!r}; {hint}")


def chosen_figures(names: Sequence[str] | None, n_instances: int) -> tuple[str, ...]:
    """These figures in the order of the table; None: all that there are of so many instances.

    Raises InputError for an unknown name, and for one of a population where there is one instance.
    """
    check_names(names or ())
    for name in names or ():
        if FIGURES[name].population and n_instances == 1:
            raise InputError(f"{name} is a figure of several instances, and this run has one")
    possible = (name for name, entry in FIGURES.items() if n_instances > 1 or not entry.population)
    return tuple(name for name in possible if names is None or name in names)


def html_figures(names: Sequence[str] | None, n_instances: int) -> tuple[str, ...]:
    """Those of these figures that have a twin for a browser.

    Raises InputError as `chosen_figures` does, if none has one, and without plotly (the extra `html`).
    """
    chosen = tuple(name for name in chosen_figures(names, n_instances) if FIGURES[name].html)
    if not chosen:
        some = ", ".join(name for name in chosen_figures(None, n_instances) if FIGURES[name].html)
        raise InputError(f"of {', '.join(names or ())} there is no HTML, only of {some}")
    if find_spec("plotly") is None:
        raise InputError("HTML figures need plotly: pip install 'tms-tui[html]'")
    return chosen
