"""Large print: text in letters of three by five pixels, made of half blocks or, in ASCII, of #."""

import numpy as np
from jaxtyping import Bool

from tms_tui.drawing.modes import Mode

# The rows of each letter from above, as three bits. Empty columns at its sides are left out.
_LETTERS = {
    "0": "75557", "1": "26227", "2": "71747", "3": "71717", "4": "55711", "5": "74717", "6": "74757",
    "7": "71111", "8": "75757", "9": "75717", "A": "25755", "B": "65656", "C": "34443", "D": "65556",
    "E": "74647", "F": "74644", "G": "34553", "H": "55755", "I": "72227", "J": "11152", "K": "55655",
    "L": "44447", "M": "57755", "N": "65555", "O": "25552", "P": "65644", "Q": "25563", "R": "65655",
    "S": "34216", "T": "72222", "U": "55557", "V": "55552", "W": "55775", "X": "55255", "Y": "55222",
    "Z": "71247", ".": "00001", ",": "00012", "-": "00700", "+": "02720", "=": "07070", "/": "11244",
    ":": "01010", "%": "51245", "(": "12221", ")": "42224", "<": "12421", ">": "42124", "'": "11000",
    "°": "25200", "±": "27207", "×": "00525", "→": "02720", "_": "00007", "½": "51617", "?": "71302",
}  # fmt: skip

_SPACE = 2  # pixels


def bitmap(text: str, scale: int = 1) -> Bool[np.ndarray, "rows columns"]:
    """The pixels of a text, a row of letters. What has no letter is a space."""
    parts = []
    for character in text.upper():
        rows = _LETTERS.get(character)
        if rows is None:
            parts.append(np.zeros((5, _SPACE), bool))
            continue
        letter = np.array([[int(row) >> bit & 1 for bit in (2, 1, 0)] for row in rows], bool)
        used = np.flatnonzero(letter.any(0))
        parts.append(letter[:, used[0] : used[-1] + 1])
    gap = np.zeros((5, 1), bool)
    joined = [piece for part in parts for piece in (part, gap)][:-1]
    pixels = np.concatenate(joined, 1) if joined else np.zeros((5, 0), bool)
    return np.kron(pixels, np.ones((scale, scale), bool)).astype(bool)


def large_lines(text: str, mode: Mode, scale: int = 1) -> list[str]:
    """A text as lines, all of one length: three at scale 1, in ASCII five."""
    pixels = bitmap(text, scale)
    if mode == "ascii":
        return ["".join(" #"[on] for on in row) for row in pixels.astype(int)]
    if len(pixels) % 2:
        pixels = np.concatenate([pixels, np.zeros((1, pixels.shape[1]), bool)])
    halves = pixels[::2] + 2 * pixels[1::2].astype(int)
    return ["".join(" ▀▄█"[half] for half in row) for row in halves]


def as_large_as_fits(text: str, mode: Mode, width: int, height: int, most: int = 3) -> list[str] | None:
    """The lines of a text in the largest scale that there is room for; None if there is for none."""
    for scale in range(most, 0, -1):
        lines = large_lines(text, mode, scale)
        if len(lines) <= height and len(lines[0]) <= width:
            return lines
    return None
