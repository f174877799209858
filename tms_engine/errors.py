"""The one exception for a user's mistake, what to say where memory runs out, and text made safe to show."""

import re
import unicodedata


class InputError(ValueError):
    """A user's mistake, told in one sentence that names what is wrong and what would be right.

    The sentence may quote names and values as they came: it is made `visible` here, and cut if endless.
    `field` is the experiment's field at fault, where there is one.
    """

    def __init__(self, sentence: str, field: str | None = None) -> None:
        super().__init__(shortened(visible(sentence), _LONGEST_SENTENCE))
        self.field = field


def out_of_memory(error: BaseException) -> str:
    """The sentence for an error that says that memory has run out, numpy's or torch's; "" for any other."""
    torchs = isinstance(error, RuntimeError) and "memory" in str(error)
    return (
        "not enough memory for this experiment: make it smaller"
        if isinstance(error, MemoryError) or torchs
        else ""
    )


# Characters that Python calls printable and that are not to be seen: fillers, joiners of graphemes, selectors
# of variants, which change the width of the character before them.
_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
_MARKS_IN_A_ROW = 3

_LONGEST_SENTENCE, _LONGEST_QUOTE = 1000, 80


def visible(text: str) -> str:
    """A text of somebody else's on one line, as it can be put on a screen: what is not to be seen is escaped.

    That is control characters, also those that end lines or turn the direction of writing, characters without
    a width, bytes that were no UTF-8, and a fourth accent on one letter and all that follow it.
    """
    if text.isascii() and text.isprintable():
        return text
    out: list[str] = []
    marks = 0
    for character in unicodedata.normalize("NFC", text):
        marks = marks + 1 if unicodedata.category(character) in ("Mn", "Me") else 0
        seen = character.isprintable() and not _UNSEEN.match(character)
        if seen and marks <= _MARKS_IN_A_ROW and (out or not marks):
            out.append(character)
        else:
            out.append(character.encode("unicode_escape", "surrogatepass").decode())
    return "".join(out)


def shortened(text: str, most: int) -> str:
    """A text of at most so many characters: what is left out in its middle is an ellipsis."""
    if len(text) <= most:
        return text
    end = (most - 3) // 3
    return f"{text[: most - 3 - end]}...{text[-end:]}"


def quoted(value: object) -> str:
    """A value as Python writes it, in a few words where it is long."""
    try:
        return shortened(repr(value), _LONGEST_QUOTE)
    except (ValueError, RecursionError):  # of a number of over 4,300 digits, and of deep nesting
        return f"a {type(value).__name__} that is too large"
