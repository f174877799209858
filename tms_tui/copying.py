"""What can be copied of a run, as text."""

import csv
import io
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tms_engine.errors import InputError
from tms_tui.messages.copying import CopyReady, WriteOut
from tms_tui.session import Session

if TYPE_CHECKING:
    from tms_engine.training.run import Run

# Bytes that a terminal is handed at once: xterm and others drop what is longer.
_MOST_BYTES = 74_000
_WAIT = 2.0


def written_out(session: Session, wanted: WriteOut) -> CopyReady:
    """`text_of` the session's run. Raises InputError, too, where it has none yet."""
    run = session.run(_WAIT)
    if run is None:
        raise InputError("there is nothing to copy yet")
    return text_of(run, wanted)


def text_of(run: "Run", wanted: WriteOut) -> CopyReady:
    """The text of what is wanted. Raises InputError where there is none, or it is too long to be copied."""
    if wanted.step is not None:
        run = at_step(run, wanted.step)
    text, told = _WRITERS[wanted.what](run, wanted)
    size = len(text.encode())
    if size > _MOST_BYTES:
        raise InputError(
            f"{told}: {size:,} bytes, and terminals copy {_MOST_BYTES:,} at most: e exports the run, "
            "and tms show --csv writes the table"
        )
    return CopyReady(text, told)


def at_step(run: "Run", step: int) -> "Run":
    """A run as it was at a step that is kept, for what looks at the weights alone."""
    state = run.state._replace(step=step, parameters=run.at(step).parameters)
    return run._replace(
        state=state,
        changes=tuple(change for change in run.changes if change.step <= step),
        planned=(),
    )


def _path(_: "Run", wanted: WriteOut) -> tuple[str, str]:
    if not wanted.place:
        raise InputError("the run is not saved anywhere yet: e saves it")
    return os.path.abspath(wanted.place), "the path of the run"


def _command(run: "Run", wanted: WriteOut) -> tuple[str, str]:
    from tms_engine.commands.spelled import train_command

    return train_command(run.experiment, (*run.changes, *run.planned)), "the command that trains it anew"


def _weights(run: "Run", wanted: WriteOut) -> tuple[str, str]:
    if wanted.feature is None:
        raise InputError("choose a feature first: f, or a click on its row")
    row = run.weights[wanted.instance, wanted.feature]
    text = "[" + ", ".join(f"{value:.9g}" for value in row.tolist()) + "]"
    return text, f"row {wanted.feature} of W"


def _table(run: "Run", wanted: WriteOut) -> tuple[str, str]:
    from tms_engine.analysis.evaluation import features_of

    rows = features_of(run, wanted.instance)
    return csv_text(rows), f"the table of {len(rows):,} features"


_WRITERS = {"path": _path, "command": _command, "weights": _weights, "table": _table}


def csv_text(rows: Sequence[dict[str, Any]]) -> str:
    """Records as CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(rows[0])
    writer.writerows(row.values() for row in rows)
    return text.getvalue()
