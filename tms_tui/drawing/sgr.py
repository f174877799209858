"""SGR codes: the escape sequences that set the style of the text after them."""

import re

_SGR = re.compile("\x1b\\[([0-9;]*)m")


def split_sgr(text: str) -> list[str]:
    """Text and codes in turns: text, codes, text, codes, …, text. Codes are what stands before the m."""
    return _SGR.split(text)
