"""The one exception for a user's mistake."""


class InputError(Exception):
    """A user's mistake, told in one sentence that names what is wrong and what would be right.

    Not a ValueError: pydantic would catch that inside a validator and bury the sentence in a report.
    `field` is the experiment's field at fault, where there is one.
    """

    def __init__(self, sentence: str, field: str | None = None) -> None:
        super().__init__(sentence)
        self.field = field
