"""The one exception for a user's mistake."""


class InputError(ValueError):
    """A user's mistake, told in one sentence that names what is wrong and what would be right.

    `field` is the experiment's field at fault, where there is one.
    """

    def __init__(self, sentence: str, field: str | None = None) -> None:
        super().__init__(sentence)
        self.field = field
