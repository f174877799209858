"""What the app does in this terminal and where its files are, for `tms doctor` and for the app's own page.

`python -m tms_tui.doctor` prints it as JSON: the engine's command cannot import the app.
"""

import json
import os
import sys
from collections.abc import Mapping

from tms_engine.commands import doctor
from tms_engine.commands.doctor import Found
from tms_tui import settings as stored
from tms_tui.drawing.modes import Mode, choose_mode, locale_of


def facts(mode: Mode | None = None) -> Found:
    """What the app would do here; `mode` is what it does, if it runs."""
    settings, trouble = stored.load()
    path = stored.settings_path()
    return {
        "characters": _characters(mode, settings.render, os.environ),
        "colours": doctor.probed(_colours),
        "settings": doctor.place(path.parent if path else None),
        "trouble": trouble or "none",
    }


def page(mode: Mode) -> str:
    """The report, for the app itself to show: nothing is asked of the terminal, which Textual reads."""
    return doctor.as_text(doctor.report(facts(mode)))


def _characters(mode: Mode | None, wanted: str, environment: Mapping[str, str]) -> str:
    variable, value = locale_of(environment)
    because = f"for {variable} is {value}" if variable else "for no locale is set"
    found = f"auto takes {choose_mode('auto', environment)}, {because}"
    if mode is not None:
        return f"{mode}; {found}"
    return found if wanted == "auto" else f"{wanted} by the settings; {found}"


def _colours() -> str:
    """As rich, which Textual asks, finds them in the environment."""
    from rich.console import Console

    system = Console(force_terminal=True).color_system
    number = {"standard": "16", "256": "256", "truecolor": "16.8 million", "windows": "16"}.get(
        system or "", "no"
    )
    return f"{number} colours" + (", none of them shown: NO_COLOR" if os.environ.get("NO_COLOR") else "")


if __name__ == "__main__":
    json.dump(facts(), sys.stdout)
