"""`tms presets`: list the presets, or print one as a config file."""

import argparse

from tms_engine.presets import PRESETS, preset


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("preset", nargs="?", metavar="PRESET", help="print this one's fields")


def run(options: argparse.Namespace) -> int:
    if options.preset:
        print(preset(options.preset).to_toml(), end="")
        return 0
    width = max(map(len, PRESETS))
    for name, entry in PRESETS.items():
        print(f"{name:{width}}  {entry.description}")
    return 0
