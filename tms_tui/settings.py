"""Settings that are kept between sessions: tms-tui/settings.toml in $XDG_CONFIG_HOME or ~/.config.

If the file cannot be used, `load` gives the defaults and one sentence that says why, and the next `save`
renames the file to settings.toml.broken.
"""

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Literal

import tomli_w
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from tms_engine.errors import InputError
from tms_engine.experiment import read_fields
from tms_engine.files import free_name, write_atomically
from tms_tui.drawing.modes import Mode
from tms_tui.drawing.palettes import FeaturePalette

_MOST_BYTES = 1 << 16


@dataclass(frozen=True)
class Settings:
    __pydantic_config__ = ConfigDict(extra="forbid")

    theme: str = "tms-dark"  # ours, or any of Textual's
    render: Literal["auto", Mode] = "auto"  # auto: braille where the locale has it
    palette: FeaturePalette = "tableau"  # safe is for the colour-blind
    pace: Annotated[float, Field(gt=0)] = 500.0  # steps a second, inf for no limit; the seed's run in 20 s
    fps: Annotated[float, Field(ge=1, le=120)] = 30.0  # frames a second at most


def settings_path() -> Path | None:
    """Where the settings are; None for a user without a home directory."""
    base = Path(os.environ.get("XDG_CONFIG_HOME", ""))
    if not base.is_absolute():  # unset, empty, or invalid by the XDG specification
        try:
            base = Path.home() / ".config"
        except RuntimeError:
            return None
    return base / "tms-tui" / "settings.toml"


def load() -> tuple[Settings, str]:
    """The settings, and a sentence on what is wrong with their file ("" if nothing is): then the defaults."""
    path = settings_path()
    if path is None or not os.path.lexists(path):
        return Settings(), ""
    try:
        return _read(path), ""
    except InputError as error:
        return Settings(), f"{error}; the default settings hold"


def save(settings: Settings) -> bool:
    """Write the settings. False if that is not possible; then the old file is as it was."""
    path = settings_path()
    if path is None:
        return False
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _put_aside_if_broken(path)
        write_atomically(path.resolve(), tomli_w.dumps(asdict(settings)).encode())  # a link stays a link
    except (OSError, RuntimeError):  # the latter: a loop of links
        return False
    return True


def _read(path: Path) -> Settings:
    """Raises InputError, naming the file, if these are no settings."""
    try:
        return TypeAdapter(Settings).validate_python(read_fields(path, _MOST_BYTES))
    except ValidationError as error:
        first = error.errors()[0]
        message = (
            first["msg"].replace("Input should", "should").replace("Unexpected keyword argument", "is none")
        )
        raise InputError(f"{path}: {first['loc'][0]} {message[:1].lower()}{message[1:]}") from None


def _put_aside_if_broken(path: Path) -> None:
    if not os.path.lexists(path):
        return
    try:
        _read(path)
    except InputError:
        os.replace(path, free_name(path.parent, f"{path.name}.broken"))
