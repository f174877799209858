"""Modules of a user's own, named on a command line with --plugin: they register data laws and models.

A module is imported only because its name was given there, never because a run or a config file names it.
"""

import importlib
import os
from collections.abc import Iterable

from tms_engine import process
from tms_engine.errors import InputError

_loaded: list[str] = []


def load(modules: Iterable[str]) -> None:
    """Import these modules, installed or from the current directory.

    Raises InputError for one that cannot be imported.
    """
    for module in modules:
        if module.endswith(".py") or "/" in module:
            name = module.removesuffix(".py").rpartition("/")[2]
            raise InputError(f"--plugin takes a module's name, such as {name}, not a file's: {module}")
        process.look_for_modules_here()
        try:
            importlib.import_module(module)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # whatever the module does, exiting included
            text = " ".join(f"{type(error).__name__}: {error}".split())
            raise InputError(f"cannot import plugin {module}: {text}") from None
        if module not in _loaded:
            _loaded.append(module)


def loaded() -> tuple[str, ...]:
    """The modules that were loaded, for another process to load too."""
    return tuple(_loaded)


def environment() -> dict[str, str]:
    """Variables for a process that is started elsewhere: plugins are found where they were found here."""
    variables = dict(os.environ, PYTHONIOENCODING="utf-8")
    if _loaded:
        here = [path for path in (variables.get("PYTHONPATH"), os.getcwd()) if path]
        variables["PYTHONPATH"] = os.pathsep.join(here)
    return variables
