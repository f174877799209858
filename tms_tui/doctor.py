"""What the app does in this terminal and where its files are, for `tms doctor` and for the app's own page.

`python -m tms_tui.doctor` prints it as JSON: the engine's command cannot import the app.
"""

import json
import os
import sys
from collections.abc import Mapping

from tms_engine.commands import doctor
from tms_engine.commands.doctor import Found
from tms_tui import abilities
from tms_tui import settings as stored
from tms_tui.drawing.modes import Mode


def facts(mode: Mode | None = None) -> Found:
    """What the app would do here; `mode` is what it does, if it runs."""
    settings, trouble, _ = stored.load()
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
    at_start = abilities.environment_at_start()
    auto, because = abilities.characters_of(environment, at_start)
    found = f"auto takes {auto}, {because}"
    if mode is not None:
        return f"{mode}; {found}"
    return found if wanted == "auto" else f"{wanted} by the settings; {found}"


def _colours() -> str:
    count, because = abilities.known_colors(os.environ)
    number = {2: "no", abilities.TRUECOLOR: "16.8 million"}.get(count, str(count))
    return f"{number} colours, {because}"


if __name__ == "__main__":
    json.dump(facts(), sys.stdout)
