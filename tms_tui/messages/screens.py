"""The full screens, of which one is shown: the dashboard and those beside it."""

from typing import Literal

from tms_tui.record import Record

# Those of the table in screens/__init__.py. Dialogs lie over one of them.
FullScreenName = Literal["dashboard", "population", "phases", "runs", "settings"]


class OpenScreen(Record):
    """Show another full screen; of the one that is shown: go back to where it was opened from."""

    screen: FullScreenName
