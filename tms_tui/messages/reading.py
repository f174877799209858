"""Messages and effects of reading the screen: what is pointed at, W Wᵀ, the ladder, the numbers."""

from tms_tui.reading import Thing
from tms_tui.record import Record

# Messages of keys.


class MoveCell(Record):
    """The cursor of W Wᵀ moves by so many rows and columns."""

    down: int
    right: int


class ChooseCell(Record):
    """The two features of W Wᵀ's cursor are the chosen ones."""


class PinFeature(Record):
    """The selected feature is the one that others are compared with; once more: none is."""


class MoveNumber(Record):
    direction: int  # 1: to the number below


class ToggleOrder(Record):
    """W Wᵀ by the solids found, or by number."""


class NextLadder(Record):
    """The ladder shows D over the steps, or D now."""


# Messages of the mouse and of the shell.


class PointedAt(Record):
    """The mouse is over this; None: no longer over `before`. (It may be over another pane already, for panes
    tell of themselves.)"""

    thing: Thing | None
    before: Thing | None = None


class ChoosePair(Record):
    """Two features were chosen with the mouse; the second is none where it is None."""

    feature: int
    other: int | None
