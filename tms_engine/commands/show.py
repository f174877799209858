"""`tms show`: a run in numbers; of several instances a ranked table, and what they have become, by names."""

import argparse
import csv
import json
import shutil
import sys
from collections.abc import Sequence
from typing import Any

from tms_engine.analysis.population import Record, ordered, records
from tms_engine.commands import options as common
from tms_engine.commands.text import (
    SHOWN_ROWS,
    fitted,
    instance_rows,
    instance_text,
    summary_text,
    table,
)
from tms_engine.errors import InputError

# As wide as a table may be where nobody says how wide the screen is: a file, a pipe.
_ANY_WIDTH = 1 << 20
# What is told of a part of a geometry.
_OF_A_PART = ("name", "features", "dimension", "residual")
# What else the columns may be called by --sort: as the table calls them, and in words.
_COLUMNS = {
    "place": "rank",
    "off": "residual",
    "ΣD": "total_dimensionality",
    "S": "sparsity",
    "rate": "learning_rate",
    "decay": "importance_decay",
    "diverged": "diverged_at",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    common.add_run(parser)
    parser.add_argument(
        "--instance", metavar="I", help="one instance and its features (default: a table of all)"
    )
    parser.add_argument(
        "--sort",
        metavar="FIELD",
        help="order the table by this column, or the other way: --sort=-FIELD (default: place)",
    )
    parser.add_argument(
        "--top", metavar="N", help=f"the first N rows (default: {SHOWN_ROWS} of a long table)"
    )
    parser.add_argument("--json", action="store_true", help="as JSON, with all digits")
    parser.add_argument("--csv", action="store_true", help="the table as CSV, with all digits")
    common.add_plugins(parser)


def run(options: argparse.Namespace) -> int:
    if options.json and options.csv:
        raise InputError("choose --json or --csv")
    if options.instance is not None and (options.sort is not None or options.top is not None):
        raise InputError("--sort and --top are for the table of instances: leave out --instance")
    chosen = None if options.instance is None else common.whole_number(options.instance, "instance")
    top = None if options.top is None else common.whole_number(options.top, "top")
    if top is not None and top < 1:
        raise InputError(f"top should be at least 1, not {top}")

    from tms_engine.analysis.evaluation import features_of, summarize
    from tms_engine.analysis.polytopes import polytopes
    from tms_engine.runs import load_run, load_summary

    run = load_run(options.run)
    alone = run.experiment.n_instances == 1 or chosen is not None
    instance = chosen or 0
    features = features_of(run, instance) if alone or options.json else []
    summary = load_summary(options.run) or summarize(run)
    field = options.sort or "rank"
    sign = "-" if field.startswith("-") else ""
    field = sign + _COLUMNS.get(field.removeprefix("-"), field.removeprefix("-").replace(" ", "_"))
    rows = ordered(records(summary["instances"], run.current), field)
    if options.csv:
        _write_csv(features if chosen is not None else rows[:top])
    elif options.json:
        of_one = polytopes(run.weights[instance])
        parts = [{name: getattr(part, name) for name in _OF_A_PART} for part in of_one.parts]
        geometry = {"name": of_one.name, "residual": of_one.residual, "parts": parts}
        experiment = run.experiment.model_dump(mode="json")
        if options.sort is not None or top is not None:
            summary |= {"instances": rows[:top]}
        content = {"experiment": experiment, **summary, "instance": instance, "features": features}
        content["geometry"] = geometry
        print(json.dumps(_finite(content), indent=2))
    elif chosen is not None and run.experiment.n_instances > 1:
        print(f"{instance_text(summary, instance)}\n\n{table(features)}")
    elif alone:
        print(f"{summary_text(summary, run)}\n\n{table(features)}")
    else:
        print(summary_text(summary, run) + "\n")
        _print_table(rows, summary, top)
    return 0


def _print_table(rows: Sequence[Record], summary: dict[str, Any], top: int | None) -> None:
    """The first rows, in as many columns as the screen has room for, and what is not there."""
    most = top or (SHOWN_ROWS if len(rows) > 2 * SHOWN_ROWS else len(rows))
    text, without = fitted(instance_rows(rows[:most], summary), _width())
    print(text)
    if most < len(rows):
        print(f"… and {len(rows) - most:,} more: --top {len(rows)}, or --csv")
    if without:
        print(f"No room for {', '.join(without)}: --csv has all columns")


def _width() -> int:
    return shutil.get_terminal_size((_ANY_WIDTH, 0)).columns


def _write_csv(rows: Sequence[Record]) -> None:
    """Lists have spaces between their numbers."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(rows[0])
    for row in rows:
        writer.writerow(" ".join(map(repr, v)) if isinstance(v, tuple | list) else v for v in row.values())


def _finite(value: Any) -> Any:
    """What JSON can hold: None for a number that is not finite."""
    if isinstance(value, dict):
        return {name: _finite(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and value - value != 0 else value
