"""Messages and effects of copying to the clipboard."""

from dataclasses import dataclass
from typing import Literal

Copied = Literal["path", "command", "weights", "table"]


@dataclass(frozen=True)
class OpenCopy:
    """Of a key: what is to be copied?"""


@dataclass(frozen=True)
class CopyChosen:
    """The dialog was closed; None: without a choice."""

    what: Copied | None


@dataclass(frozen=True)
class CopyReady:
    """What is to be copied has been written out; `told` is what it is, in a few words."""

    text: str
    told: str


@dataclass(frozen=True)
class WriteOut:
    """Write out what is to be copied, which may take a moment. Answered by CopyReady or Refused."""

    what: Copied
    place: str  # the directory that the run is saved in; "": none
    step: int | None
    instance: int
    feature: int | None


@dataclass(frozen=True)
class PutOnClipboard:
    """Hand a text to the terminal, which puts it on the clipboard (OSC 52)."""

    text: str
