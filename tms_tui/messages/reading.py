"""Messages and effects of reading the screen: what is pointed at, W Wᵀ, the ladder, the numbers."""

from dataclasses import dataclass

from tms_tui.reading import Thing

# Messages of keys.


@dataclass(frozen=True)
class MoveCell:
    """The cursor of W Wᵀ moves by so many rows and columns."""

    down: int
    right: int


@dataclass(frozen=True)
class ChooseCell:
    """The two features of W Wᵀ's cursor are the chosen ones."""


@dataclass(frozen=True)
class PinFeature:
    """The selected feature is the one that others are compared with; once more: none is."""


@dataclass(frozen=True)
class MoveNumber:
    direction: int  # 1: to the number below


@dataclass(frozen=True)
class ToggleOrder:
    """W Wᵀ by the solids found, or by number."""


@dataclass(frozen=True)
class NextLadder:
    """The ladder shows D over the steps, or D now."""


# Messages of the mouse and of the shell.


@dataclass(frozen=True)
class PointedAt:
    """The mouse is over this; None: no longer over `before`. (It may be over another pane already, for panes
    tell of themselves.)"""

    thing: Thing | None
    before: Thing | None = None


@dataclass(frozen=True)
class ChoosePair:
    """Two features were chosen with the mouse; the second is none where it is None."""

    feature: int
    other: int | None
