"""update, of copying to the clipboard."""

from tms_tui.messages import OpenDialog, Toast
from tms_tui.messages.copying import CopyChosen, CopyReady, OpenCopy, PutOnClipboard, WriteOut
from tms_tui.model import Model
from tms_tui.update.parts import Updated, on_screen

# A text up to this long is shown.
_SHORT = 200


def copying(model: Model, message: OpenCopy | CopyChosen | CopyReady) -> Updated:
    match message:
        case OpenCopy():
            return on_screen(model, "copy"), (OpenDialog("copy"),)
        case CopyChosen(what):
            model = on_screen(model, "dashboard")
            options = model.options
            place = model.view.place or model.saved.where
            if what is None:
                return model, ()
            return model, (WriteOut(what, place, options.step, options.instance, options.feature),)
        case CopyReady(text, told):
            size = f"{len(text):,} characters" if len(text) > _SHORT else text
            toast = Toast(size, f"Copied {told}, if the terminal lets programs copy", seconds=6)
            return model, (PutOnClipboard(text), toast)
