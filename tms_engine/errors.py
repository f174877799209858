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
