"""The one exception for a user's mistake, and what to say where memory runs out."""


class InputError(ValueError):
    """A user's mistake, told in one sentence that names what is wrong and what would be right.

    `field` is the experiment's field at fault, where there is one.
    """

    def __init__(self, sentence: str, field: str | None = None) -> None:
        super().__init__(sentence)
        self.field = field


def out_of_memory(error: BaseException) -> str:
    """The sentence for an error that says that memory has run out, numpy's or torch's; "" for any other."""
    torchs = isinstance(error, RuntimeError) and "memory" in str(error)
    return (
        "not enough memory for this experiment: make it smaller"
        if isinstance(error, MemoryError) or torchs
        else ""
    )


_LONGEST_QUOTE = 80


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
