"""A dark and a light theme of our own, in addition to Textual's."""

from textual.theme import Theme

DARK = Theme(
    name="tms-dark",
    primary="#7aa2f7",
    secondary="#73c7e6",
    accent="#ffb84c",
    foreground="#d5d9e4",
    background="#0f1117",
    surface="#161923",
    panel="#232735",
    success="#9ece6a",
    warning="#e0af68",
    error="#f7768e",
    dark=True,
)

LIGHT = Theme(
    name="tms-light",
    primary="#2f5fb3",
    secondary="#0f7b94",
    accent="#b35900",
    foreground="#23262f",
    background="#fbfaf7",
    surface="#f1efe9",
    panel="#dedbd2",
    success="#3f7d20",
    warning="#9a6700",
    error="#c0304f",
    dark=False,
)
