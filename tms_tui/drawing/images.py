"""Pictures as the sequences by which terminals are sent them: kitty's protocol, iTerm2's, and sixel.

Written by hand: textual-image asks the terminal itself, on the stdin that our driver reads, and hands Textual
sequences without a place, while our driver sends differences of cells. pillow compresses and quantises.
"""

import base64
import io
from typing import Literal, NamedTuple

import numpy as np

from tms_tui.drawing.pixels import Pixels

Protocol = Literal["kitty", "iterm2", "sixel"]

# Bytes of base64 in one of kitty's sequences, at most; and the number of our picture.
_CHUNK, KITTY_ID = 4096, 7101
# kitty: above backgrounds, below text. Replies are not wanted.
_KITTY = f"a=T,f=100,i={KITTY_ID},p=1,z=-1,C=1,q=2"
# Colours of a sixel picture.
_COLORS = 64


class Picture(NamedTuple):
    """A picture at a place of the screen, in cells; what draws it from there on, and what takes it away."""

    column: int
    row: int
    columns: int
    rows: int
    data: bytes
    removal: bytes = b""


def encoded(pixels: Pixels, columns: int, rows: int, protocol: Protocol) -> bytes:
    """What draws a picture into so many cells, from the cursor on."""
    if protocol == "kitty":
        return kitty(pixels, columns, rows)
    return iterm2(pixels, columns, rows) if protocol == "iterm2" else sixel(pixels)


def removed(protocol: Protocol) -> bytes:
    """What takes the picture away; b"" where the text that is written over it does."""
    return f"\x1b_Ga=d,d=I,i={KITTY_ID},q=2\x1b\\".encode() if protocol == "kitty" else b""


def kitty(pixels: Pixels, columns: int, rows: int) -> bytes:
    """kitty's graphics protocol: PNG in base64, in chunks."""
    data = base64.b64encode(png(pixels))
    chunks = [data[i : i + _CHUNK] for i in range(0, len(data), _CHUNK)]
    parts = []
    for k, chunk in enumerate(chunks):
        keys = f"{_KITTY},c={columns},r={rows}," if k == 0 else ""
        parts.append(f"\x1b_G{keys}m={int(k < len(chunks) - 1)};".encode() + chunk + b"\x1b\\")
    return b"".join(parts)


def iterm2(pixels: Pixels, columns: int, rows: int) -> bytes:
    """iTerm2's inline images, which WezTerm, mintty and others show too."""
    content = png(pixels)
    keys = (
        f"inline=1;width={columns};height={rows};preserveAspectRatio=0;doNotMoveCursor=1;size={len(content)}"
    )
    return f"\x1b]1337;File={keys}:".encode() + base64.b64encode(content) + b"\x07"


def png(pixels: Pixels) -> bytes:
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG", compress_level=1)
    return out.getvalue()


def sixel(pixels: Pixels) -> bytes:
    """DEC's sixels: bands of six rows, in each a line a colour. Rows that fill no band are left out."""
    from PIL import Image

    height, width = pixels.shape[0] // 6 * 6, pixels.shape[1]
    image = Image.fromarray(pixels[:height]).quantize(
        _COLORS, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE
    )
    index = np.asarray(image)
    palette = np.array(image.getpalette() or [], np.float64).reshape(-1, 3)
    parts = [f'\x1bP0;1;0q"1;1;{width};{height}']
    for number in np.unique(index).tolist():
        red, green, blue = (round(channel / 2.55) for channel in palette[number].tolist())
        parts.append(f"#{number};2;{red};{green};{blue}")
    weights = (1 << np.arange(6))[:, None]
    for top in range(0, height, 6):
        band = index[top : top + 6]
        rows = []
        for number in np.unique(band).tolist():
            bits = ((band == number) * weights).sum(0)
            rows.append(f"#{number}" + _run_lengths(bits))
        parts.append("$".join(rows) + "-")
    return ("".join(parts) + "\x1b\\").encode()


def _run_lengths(bits: np.ndarray) -> str:
    """Sixels of one colour in one band; what is empty at the end is left out."""
    ends = np.flatnonzero(np.append(bits[1:] != bits[:-1], True))
    counts = np.diff(np.concatenate([[-1], ends])).tolist()
    values = bits[ends].tolist()
    if values and not values[-1]:
        counts, values = counts[:-1], values[:-1]
    return "".join(
        f"!{n}{chr(63 + v)}" if n > 3 else chr(63 + v) * n for n, v in zip(counts, values, strict=True)
    )
