"""Record, beside the frozen dataclass that it stands in for."""

import copy
import pickle
from dataclasses import dataclass

import pytest

from tms_tui.record import Record


class Moved(Record):
    right: int
    up: int = 0


class Left(Record):
    right: int
    up: int = 0


class Nothing(Record):
    pass


@dataclass(frozen=True)
class AsDataclass:
    right: int
    up: int = 0


@pytest.mark.parametrize(
    "arguments", [((1,), {}), ((1, 2), {}), ((1,), {"up": 2}), ((), {"right": 1, "up": 3})]
)
def test_fields_defaults_and_text_are_those_of_a_dataclass(arguments):
    values, named = arguments
    ours, theirs = Moved(*values, **named), AsDataclass(*values, **named)
    assert (ours.right, ours.up) == (theirs.right, theirs.up)
    assert repr(ours) == repr(theirs).replace("AsDataclass", "Moved")
    assert Moved.__match_args__ == AsDataclass.__match_args__


@pytest.mark.parametrize(
    "arguments",
    [((), {}), ((), {"up": 1}), ((1, 2, 3), {}), ((1,), {"right": 1}), ((1,), {"down": 1})],
)
def test_what_a_dataclass_refuses_is_refused(arguments):
    values, named = arguments
    for made in (Moved, AsDataclass):
        with pytest.raises(TypeError):
            made(*values, **named)


def test_records_are_equal_by_class_and_value_and_can_be_keys():
    assert Moved(1) == Moved(1, 0) != Moved(1, 1)
    assert Moved(1) != Left(1)
    assert Moved(1) != (1, 0)
    assert Nothing() == Nothing()
    assert len({Moved(1), Moved(1, 0), Left(1), Nothing()}) == 3


def test_a_record_is_frozen_and_can_be_copied_and_matched():
    moved = Moved(1, 2)
    with pytest.raises(AttributeError, match="frozen"):
        moved.up = 3
    with pytest.raises(AttributeError, match="frozen"):
        del moved.up
    assert copy.copy(moved) == moved == pickle.loads(pickle.dumps(moved))
    match moved:
        case Left(right, up):
            pytest.fail("another class")
        case Moved(right, up):
            assert (right, up) == (1, 2)
