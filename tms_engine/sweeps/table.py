"""The table of a sweep: a row a model, its coordinates named; as a polars DataFrame, Parquet and CSV."""

import contextlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tms_engine.device import free_memory
from tms_engine.errors import InputError
from tms_engine.files import cannot
from tms_engine.runs.lock import hold
from tms_engine.sweeps.directory import CSV, JOBS, PARTS, TABLE, shard_path
from tms_engine.sweeps.grid import Grid, coordinates_of, most_features
from tms_engine.sweeps.shards import COLUMNS, FEATURE_COLUMNS, Shard, read_shard

if TYPE_CHECKING:
    import polars as pl

# Rows that are in memory at once while a table is written.
_ROWS = 1 << 20
# Bytes that a row of a DataFrame takes, and each feature's two numbers.
_ROW_BYTES, _FEATURE_BYTES = 160, 16


def frame(grid: Grid, shards: Iterable[Shard]) -> "pl.DataFrame":
    """The rows of these shards, in their order."""
    import polars as pl

    frames = [_frame(grid, shard) for shard in shards]
    return pl.concat(frames) if frames else _frame(grid, _unknown(grid)).head(0)


def _unknown(grid: Grid) -> Shard:
    """One model of which nothing is known, for the types of the columns."""
    columns: dict[str, np.ndarray] = {name: np.zeros(1, kind) for name, kind in COLUMNS.items()}
    columns |= {name: np.zeros((1, 1)) for name in FEATURE_COLUMNS}
    return Shard(range(1), columns, ("",), "", 0.0)


def _frame(grid: Grid, shard: Shard) -> "pl.DataFrame":
    import polars as pl

    def number(values: np.ndarray) -> "pl.Series":
        """What is not finite is not known."""
        return pl.Series(np.where(np.isfinite(values), values, np.nan)).fill_nan(None)

    rows, columns = shard.rows, shard.columns
    made: dict[str, Any] = {"row": np.arange(rows.start, rows.stop)}
    for name, values in coordinates_of(grid, rows).items():
        made[name] = (
            pl.Series(values.tolist(), dtype=pl.String) if values.dtype == object else pl.Series(values)
        )
    made["loss"], made["standard_error"] = number(columns["loss"]), number(columns["standard_error"])
    made["represented"] = columns["represented"]
    made["total_dimensionality"] = number(columns["total_dimensionality"])
    made["name"] = pl.Series([shard.names[k] for k in columns["name"].tolist()], dtype=pl.String)
    made["residual"] = number(columns["residual"])
    made["diverged_at"] = pl.Series(
        [at if at >= 0 else None for at in columns["diverged_at"].tolist()], dtype=pl.Int64
    )
    made["trained_by"] = pl.Series([shard.kernel] * len(rows), dtype=pl.String)
    if grid.spec.per_feature:
        for name in FEATURE_COLUMNS:
            for j in range(most_features(grid)):
                has = j < columns[name].shape[1]
                made[f"{name}_{j}"] = number(columns[name][:, j] if has else np.full(len(rows), np.nan))
    return pl.DataFrame(made)


def check_memory(grid: Grid) -> None:
    """Raise InputError if the table does not fit into memory."""
    a_row = _ROW_BYTES + 8 * len(grid.spec.coordinates)
    if grid.spec.per_feature:
        a_row += _FEATURE_BYTES * most_features(grid)
    needed, free = a_row * grid.n_models, free_memory("cpu")
    if needed > free:
        raise InputError(
            f"a table of {grid.n_models:,} models takes about {needed / 2**30:,.1f} GiB of memory, and this "
            f"machine has {free / 2**30:,.1f} free: fewer values or seeds, or `tms sweep`, which writes it "
            "piece by piece"
        )


def write_table(path: Path, grid: Grid, csv: bool = False) -> None:
    """Write the table of a sweep whose shards are all finished. Raises InputError if it cannot be.

    Memory holds about a million rows of it at once, whatever its size.
    """
    import polars as pl

    parts = path / PARTS
    with hold(path / JOBS / "table", "writing a table"):
        shutil.rmtree(parts, ignore_errors=True)  # of a process that was killed
        try:
            parts.mkdir()
            for k, rows in enumerate(_pieces(path, grid)):
                rows.write_parquet(parts / f"{k:06d}.parquet")
            _replace(path / TABLE, pl.scan_parquet(sorted(parts.iterdir())).sink_parquet)
            if csv:
                _replace(path / CSV, pl.scan_parquet(path / TABLE).sink_csv)
        except (OSError, pl.exceptions.PolarsError) as error:
            raise cannot(f"write the table to {path}", error) from None
        finally:
            shutil.rmtree(parts, ignore_errors=True)


def _pieces(path: Path, grid: Grid) -> Iterator["pl.DataFrame"]:
    """The whole table, about a million rows at a time."""
    waiting: list[Shard] = []
    for shard in range(grid.n_shards):
        waiting.append(read_shard(shard_path(path, shard), grid, shard))
        if sum(len(found.rows) for found in waiting) >= _ROWS:
            yield frame(grid, waiting)
            waiting = []
    if waiting:
        yield frame(grid, waiting)


def _replace(place: Path, sink: Callable[[Path], object]) -> None:
    """Write a file beside its place, and move it there when it is on disk."""
    part = place.with_name(f"{place.name}.part")
    try:
        sink(part)
        with open(part, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(part, place)
    finally:
        with contextlib.suppress(OSError):
            part.unlink()
