"""Some of the trials, a few times each: `python -m tests.trials NAME --count N` runs them often."""

import pytest

from tests.trials.names import names
from tests.trials.settings import settings
from tests.trials.sizes import SIZES, measured
from tests.trials.terminals import TERMINALS, terminals

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("seed", [0, 1])
def test_a_hostile_name_is_text_everywhere(tmp_path, seed):
    names(tmp_path, seed)


def test_hostile_settings_are_one_sentence_and_are_kept(tmp_path):
    for seed in range(40):
        place = tmp_path / str(seed)
        place.mkdir()
        settings(place, seed)


def test_a_terminal_without_utf8_or_colours_is_sent_neither(tmp_path):
    seed = next(i for i, (changes, *_) in enumerate(TERMINALS) if changes["TERM"] == "vt220")
    terminals(tmp_path, seed)


def test_a_size_beyond_memory_is_refused_in_one_sentence(tmp_path):
    beyond = next(size for size in SIZES if "n_hidden=20000" in size and "n_features" in size)
    assert measured(tmp_path, beyond)[0] is None
