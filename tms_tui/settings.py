"""Settings that are kept between sessions: tms-tui/settings.toml in $XDG_CONFIG_HOME or ~/.config.

If the file cannot be used, `load` gives the defaults and one sentence that says why, and the next `save`
renames the file to settings.toml.broken. In a file that can be, `save` changes the lines of the settings that
it is given, and leaves all others, and comments, as somebody wrote them.
"""

import os
import re
import tomllib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import tomli_w
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from tms_engine.errors import InputError
from tms_engine.experiment import read_fields
from tms_engine.files import cannot, free_name, read_small, write_atomically
from tms_tui.drawing.modes import Mode
from tms_tui.drawing.palettes import FeaturePalette

# What draws: characters by terminal and locale, those of one kind, or characters with images over them.
Render = Literal["auto", Mode, "image"]

_MOST_BYTES = 1 << 16


@dataclass(frozen=True)
class Settings:
    __pydantic_config__ = ConfigDict(extra="forbid")

    theme: str = "tms-dark"  # ours, or any of Textual's
    render: Render = "auto"  # auto: braille where the locale has it
    palette: FeaturePalette = "tableau"  # safe is for the colour-blind
    pace: Annotated[float, Field(gt=0)] = 500.0  # steps a second, inf for no limit; the seed's run in 20 s
    fps: Annotated[float, Field(ge=1, le=120)] = 30.0  # frames a second at most
    low_bandwidth: bool = False  # fewer frames and colours, and no turning by itself
    turning: bool = True  # whether the space turns by itself
    sides: bool = True  # whether there are panes beside the space
    projector: bool = False  # large print


FIELDS = tuple(field.name for field in fields(Settings))


class Loaded(NamedTuple):
    """What the file says: the settings, what is wrong with it ("" if nothing is), and which it sets."""

    settings: Settings
    warning: str = ""
    names: frozenset[str] = frozenset()


def settings_path() -> Path | None:
    """Where the settings are; None for a user without a home directory."""
    base = Path(os.environ.get("XDG_CONFIG_HOME", ""))
    if not base.is_absolute():  # unset, empty, or invalid by the XDG specification
        try:
            base = Path.home() / ".config"
        except RuntimeError:
            return None
    return base / "tms-tui" / "settings.toml"


def load() -> Loaded:
    """The settings; the defaults where there is no file, or one that cannot be used."""
    path = settings_path()
    if path is None or not os.path.lexists(path):
        return Loaded(Settings())
    try:
        known = read_fields(path, _MOST_BYTES)
        return Loaded(_checked(known, path), names=frozenset(known))
    except InputError as error:
        return Loaded(Settings(), f"{error}; the default settings hold")


def save(settings: Settings, names: Iterable[str] = FIELDS) -> None:
    """Write the settings of these names. Raises InputError if that is not possible; then the old file is as
    it was.
    """
    path = settings_path()
    if path is None:
        raise InputError(
            "cannot keep the settings: there is no home directory, and XDG_CONFIG_HOME is not set"
        )
    values = {name: value for name, value in asdict(settings).items() if name in set(names)}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _put_aside_if_broken(path)
        here = os.path.lexists(path)
        text = read_small(path, _MOST_BYTES).decode() if here else ""
        edited = _edited(text, values)
        if edited is None:  # a value over several lines
            os.replace(path, free_name(path.parent, f"{path.name}.old"))
            edited = tomli_w.dumps(tomllib.loads(text) | values)
        write_atomically(path.resolve(), edited.encode())  # a link stays a link
    except (OSError, RuntimeError) as error:  # the latter: a loop of links
        raise cannot(f"keep the settings in {path}", error) from None


# A line that sets a field: what is before the value, the value, and a comment.
_LINE = (
    r"""^([ \t]*(?:{name}|"{name}"|'{name}')[ \t]*=[ \t]*)"""
    r"""("[^"\n]*"|'[^'\n]*'|[^#'"\s]+)([ \t]*(?:\#.*)?\r?)$"""
)


def _edited(text: str, values: dict[str, Any]) -> str | None:
    """A file's text with other values, all else as it was. None where that cannot be done line by line."""
    wanted = tomllib.loads(text) | values
    for name, value in values.items():
        setting = tomli_w.dumps({name: value}).strip()
        written = setting.partition(" = ")[2]
        line = re.compile(_LINE.format(name=re.escape(name)), re.MULTILINE)
        text, count = line.subn(partial(_with_value, written), text)
        if not count:
            text += ("" if not text or text.endswith("\n") else "\n") + setting + "\n"
    try:
        return text if tomllib.loads(text) == wanted else None
    except tomllib.TOMLDecodeError:
        return None


def _with_value(written: str, found: re.Match[str]) -> str:
    return found[1] + written + found[3]


def _checked(known: dict[str, Any], path: Path) -> Settings:
    """Raises InputError, naming the file, if these are no settings."""
    try:
        return TypeAdapter(Settings).validate_python(known)
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
        _checked(read_fields(path, _MOST_BYTES), path)
    except InputError:
        os.replace(path, free_name(path.parent, f"{path.name}.broken"))
