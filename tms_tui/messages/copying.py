"""Messages and effects of copying to the clipboard."""

from typing import Literal

from tms_tui.record import Record

Copied = Literal["path", "command", "weights", "table"]


class OpenCopy(Record):
    """Of a key: what is to be copied?"""


class CopyChosen(Record):
    """The dialog was closed; None: without a choice."""

    what: Copied | None


class CopyReady(Record):
    """What is to be copied has been written out; `told` is what it is, in a few words."""

    text: str
    told: str


class WriteOut(Record):
    """Write out what is to be copied, which may take a moment. Answered by CopyReady or Refused."""

    what: Copied
    place: str  # the directory that the run is saved in; "": none
    step: int | None
    instance: int
    feature: int | None


class PutOnClipboard(Record):
    """Hand a text to the terminal, which puts it on the clipboard (OSC 52)."""

    text: str
