"""The other side of drawing/images.py: sequences back to pixels, as a terminal reads them."""

import base64
import io
import re

import numpy as np
from PIL import Image

_KITTY = re.compile(rb"\x1b_G([^;\x1b]*);([A-Za-z0-9+/=]*)\x1b\\")


def kitty_images(data: bytes) -> list[tuple[dict[str, str], np.ndarray]]:
    """The keys of each picture, and its pixels."""
    found, keys, content = [], {}, b""
    for part, payload in _KITTY.findall(data):
        said = dict(pair.split("=") for pair in part.decode().split(","))
        keys = said if not content else keys
        content += payload
        assert len(payload) <= 4096
        if said["m"] == "0":
            found.append((keys, png(base64.b64decode(content, validate=True))))
            content = b""
    assert not content
    return found


def iterm2_image(data: bytes) -> tuple[dict[str, str], np.ndarray]:
    whole = re.fullmatch(rb"\x1b\]1337;File=([^:]*):([A-Za-z0-9+/=]*)\x07", data)
    assert whole is not None
    keys = dict(pair.split("=") for pair in whole[1].decode().split(";"))
    content = base64.b64decode(whole[2], validate=True)
    assert int(keys["size"]) == len(content)
    return keys, png(content)


def png(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))


def sixel_image(data: bytes) -> np.ndarray:
    whole = re.fullmatch(rb'\x1bP0;1;0q"1;1;(\d+);(\d+)(.*)\x1b\\', data, re.DOTALL)
    assert whole is not None
    width, height = int(whole[1]), int(whole[2])
    pixels = np.zeros((height, width, 3), np.uint8)
    colors: dict[int, tuple[float, ...]] = {}
    x = top = color = 0
    token = re.compile(rb"#(\d+);2;(\d+);(\d+);(\d+)|#(\d+)|!(\d+)([?-~])|([?-~])|([$-])")
    at, text = 0, whole[3]
    while at < len(text):
        found = token.match(text, at)
        assert found is not None, text[at : at + 20]
        at = found.end()
        if found[1]:
            colors[int(found[1])] = tuple(int(found[k]) * 2.55 for k in (2, 3, 4))
        elif found[5]:
            color = int(found[5])
        elif found[9]:
            x, top = 0, top + 6 * (found[9] == b"-")
        else:
            count, bits = int(found[6] or 1), (found[7] or found[8])[0] - 63
            for row in range(6):
                if bits >> row & 1:
                    pixels[top + row, x : x + count] = colors[color]
            x += count
            assert x <= width
    return pixels
