"""What somebody else has written (names, paths, errors) is text on the screen, and never Textual's markup.

A rule on the source, so that no place can be forgotten: wherever Textual would read a str as markup, it is
told not to, or is given a Content, or words of ours without a bracket.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

APP = Path(__file__).parents[2] / "tms_tui"
FILES = [
    path for path in sorted(APP.rglob("*.py")) if path.parent.name != "drawing"
]  # which knows no Textual

# Widgets of Textual's that read markup unless `markup=False` says otherwise, and those that cannot be told.
_TOLD = {"Static", "Label"}
_UNTOLD = {
    *(
        "Button",
        "Checkbox",
        "Collapsible",
        "Link",
        "Markdown",
        "Option",
        "Placeholder",
        "RadioButton",
        "Select",
    ),
    *("Selection", "Tab", "TabPane", "ToggleButton", "Tooltip"),
}
# Attributes, and keyword arguments, that are read as markup.
_ATTRIBUTES = {"border_title", "border_subtitle", "tooltip", "label", "title", "sub_title"}
_KEYWORDS = {"prompt", "placeholder", "tooltip", "label"}
_MARKED_UP = {"from_markup", "from_rich_text", "MarkupText", "render_markup", "rich_print"}
_PLAIN = {"Content", "Content.assemble", "Content.styled"}


def misread(source: str) -> list[str]:
    """The places in a module in which a text may be read as markup."""
    tree = ast.parse(source)
    return [f"line {node.lineno}: {ast.unparse(node)[:90]}" for node in _misread(tree)]


def _misread(tree: ast.Module) -> Iterator[ast.AST]:
    plain_names = {
        target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and _is_plain(node.value, set())
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            if {ast.unparse(base) for base in node.bases} & _TOLD and "markup=False" not in ast.unparse(node):
                yield node
        elif isinstance(node, ast.Assign):
            shown = [t for t in node.targets if isinstance(t, ast.Attribute) and t.attr in _ATTRIBUTES]
            if shown and not _is_plain(node.value, plain_names):
                yield node
        elif isinstance(node, ast.Call) and _call_is_misread(node, plain_names):
            yield node


def _call_is_misread(call: ast.Call, plain_names: set[str]) -> bool:
    called = ast.unparse(call.func)
    name = called.rsplit(".", 1)[-1]
    if name in _TOLD or called == "super().notify":
        return not any(k.arg == "markup" and ast.unparse(k.value) == "False" for k in call.keywords)
    texts = call.args[:1] if name in _UNTOLD else []
    texts += [keyword.value for keyword in call.keywords if keyword.arg in _KEYWORDS]
    return name in _MARKED_UP or not all(_is_plain(text, plain_names) for text in texts)


def _is_plain(node: ast.expr, names: set[str]) -> bool:
    """Whether this is a Content, one by name, or a str of ours without a bracket."""
    if isinstance(node, ast.Constant):
        return not isinstance(node.value, str) or "[" not in node.value
    if isinstance(node, ast.Call):
        return ast.unparse(node.func) in _PLAIN
    return isinstance(node, ast.Name) and node.id in names


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_text_of_somebody_elses_is_read_as_markup(path):
    assert misread(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        "Label(sentence)",
        "Static('ours')",
        "Static(Content(x))",  # a later update of it would be read
        "widgets.Label(text, markup=True)",
        "class Mine(Static): pass",
        "Button(f'save {name}')",
        "Button('[b]save[/b]')",
        "Button(name)",
        "box.border_title = path.name",
        "box.border_subtitle = f'{name} closes'",
        "pane.tooltip = str(error)",
        "Select(options, prompt=name)",
        "Input(value, placeholder=name)",
        "class App:\n    def notify(self, message):\n        super().notify(message)",
        "Content.from_markup(text)",
        "Option(str(path))",
    ],
)
def test_the_rule_finds_what_it_is_for(source):
    assert len(misread(source)) == 1


@pytest.mark.parametrize(
    "source",
    [
        "Label(sentence, markup=False)",
        "class Mine(Static):\n    def __init__(self):\n        super().__init__(markup=False)",
        "Button('Stay esc')",
        "Button(Content(name))",
        "word = Content.assemble(name)\nButton(word)",
        "box.border_title = 'Keys'",
        "box.border_title = Content(name)",
    ],
)
def test_the_rule_lets_through_what_is_text(source):
    assert misread(source) == []
