"""`tms-tui`: until the app exists, one line that says what does."""

import sys


def main() -> int:
    print("tms-tui: this version has no app yet; `tms train` trains the seed's experiment", file=sys.stderr)
    return 2
