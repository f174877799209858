import pytest

from tms_engine.errors import InputError, quoted, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("paper-5-2, ‖W‖ → ½", "paper-5-2, ‖W‖ → ½"),
        ("日本語 é עברית", "日本語 é עברית"),
        ("\x1b[31m\x07\x9b", r"\x1b[31m\x07\x9b"),
        ("two\nlines", r"two\nlines"),
        ("\u202egnp.exe", r"\u202egnp.exe"),
        ("zero\u200bwidth\ufeff", r"zero\u200bwidth\ufeff"),
        ("❤\ufe0f", r"❤\ufe0f"),
        ("not \udcff UTF-8", r"not \udcff UTF-8"),
        ("\u0301begins", r"\u0301begins"),
        ("e\u0301", "é"),
        ("a" + "\u0338" * 5, "a" + "\u0338" * 3 + r"\u0338\u0338"),
    ],
)
def test_what_cannot_be_seen_is_escaped_and_all_else_stays(text, shown):
    assert visible(text) == shown
    assert visible(shown) == shown


def test_every_input_error_is_one_visible_line_of_bounded_length():
    sentence = str(InputError("there is no preset '\x1b[31m\n" + "x" * 10_000))
    assert sentence.startswith(r"there is no preset '\x1b[31m\n")
    assert sentence.isprintable()
    assert len(sentence) <= 1000


def test_a_value_is_quoted_in_a_few_words_whatever_it_is():
    nested: list[object] = []
    for _ in range(100_000):
        nested = [nested]
    assert quoted("a") == "'a'"
    for value in (nested, 10**10_000, [0.5] * 10**6, "x" * 10**6):
        assert len(quoted(value)) <= 80
