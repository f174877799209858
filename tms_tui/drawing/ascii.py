"""Plain ASCII in the place of other characters: of texts, and of the lines that a chart is drawn with."""

import numpy as np
from jaxtyping import UInt32

# Stand-ins for the characters that the keys, the presets and the help of fields are written with.
_STAND_INS = str.maketrans(
    {
        "←": "left",
        "→": "right",
        "↑": "up",
        "↓": "down",
        "×": "x",
        "⅔": "2/3",
        "½": ".5",
        "ᵀ": "'",
        "‖": "|",
        "−": "-",
        "±": "+-",
        "·": "-",
        "…": "...",
        "²": "^2",
        "Σ": "sum ",
        "✓": "y",
        "⋅": ".",
        "≠": "!=",
        "°": " deg",
        "⅓": "1/3",
        "⅜": "3/8",
        "⅖": "2/5",
        "¾": "3/4",
    }
)

_BOX_DRAWING = 0x2500
_BOX = {"│": "|", "─": "-"}
_CORNER = "+"


def ascii_text(text: str) -> str:
    """The text in ASCII: arrows as words, × as x; a question mark for what has no stand-in."""
    return text.translate(_STAND_INS).encode("ascii", "replace").decode()


def ascii_glyphs(glyphs: UInt32[np.ndarray, "rows columns"]) -> UInt32[np.ndarray, "rows columns"]:
    """Code points with box drawing as | - +. Nothing else in the picture may be beyond ASCII."""
    out = np.where(glyphs >= _BOX_DRAWING, np.uint32(ord(_CORNER)), glyphs)
    for line, plain in _BOX.items():
        out[glyphs == ord(line)] = ord(plain)
    return out
