"""Records of a population: in order, by names, and which of them stand for the others."""

import pytest

from tms_engine import Experiment, InputError
from tms_engine.analysis.population import by_name, ordered, records, representatives, varied


def rows(*given, **fields):
    """Records of (loss, rank, among, name), by place."""
    names = ("loss", "rank", "among", "name")
    instances = [
        {"number": 10 + i, "residual": 1.0 + i, "diverged_at": None, **dict(zip(names, row, strict=True))}
        for i, row in enumerate(given)
    ]
    return records(instances, Experiment(n_instances=len(given), **fields))


FOUR = ((0.4, 4, 4, "digon"), (0.1, 1, 4, "triangle"), (0.3, 3, 4, "digon"), (0.2, 2, 4, "digon"))


def places(found):
    return [row["instance"] for row in found]


def test_what_differs_is_in_the_records():
    experiment = Experiment(n_instances=2, sparsity=(0.5, 0.9), learning_rate=(0.1, 0.1))
    assert varied(experiment) == {"sparsity": (0.5, 0.9)}
    first, second = rows((0.1, 1, 1, "digon"), (0.2, 1, 1, "digon"), sparsity=(0.5, 0.9))
    assert list(first)[:3] == ["instance", "number", "sparsity"]
    assert (second["instance"], second["number"], second["sparsity"]) == (1, 11, 0.9)
    lists = ((1.0,) * 8, (2.0,) * 8)
    assert varied(Experiment(n_instances=2, importance=lists)) == {"importance": lists}


def test_records_are_in_the_order_of_a_field_and_what_has_none_is_last():
    found = rows(*FOUR, (None, None, 0, None))
    assert places(ordered(found)) == [1, 3, 2, 0, 4]
    assert places(ordered(found, "-loss")) == [0, 2, 3, 1, 4]
    assert places(ordered(found, "name")) == [3, 2, 0, 1, 4]
    assert places(ordered(found, "instance")) == [0, 1, 2, 3, 4]
    with pytest.raises(InputError, match="no column 'speed' to sort by; there are instance, number, "):
        ordered(found, "speed")


def test_by_place_those_of_one_task_stand_together():
    found = rows(
        (0.2, 2, 2, "digon"), (0.5, 1, 1, "digon"), (0.1, 1, 2, "digon"), sparsity=(0.9, 0.5, 0.9)
    )  # fmt: skip
    assert places(ordered(found)) == [1, 2, 0]


def test_names_have_their_counts_and_their_losses_the_most_frequent_first():
    digons, triangles = by_name(rows(*FOUR, (None, None, 0, None)))
    assert (digons.name, digons.instances, digons.loss) == ("digon", 3, (0.2, 0.3, 0.4))
    assert digons.residual == (1.0, 3.0, 4.0)
    assert (triangles.name, triangles.instances, triangles.loss) == ("triangle", 1, (0.1, 0.1, 0.1))


def test_the_best_the_worst_and_the_best_of_each_name_stand_for_all():
    best, worst, digon = representatives(rows(*FOUR), 12)
    assert (best.instance, best.reason) == (1, "the best; best of 1 so named, 25 %")
    assert (worst.instance, worst.reason) == (0, "the worst")
    assert (digon.instance, digon.reason) == (3, "best of 3 so named, 75 %")
    assert len(representatives(rows(*FOUR), 2)) == 2


def test_of_several_tasks_each_has_its_best():
    found = rows((0.2, 2, 2, "a"), (0.5, 1, 1, "a"), (0.1, 1, 2, "a"), sparsity=(0.9, 0.5, 0.9))
    chosen = representatives(found, 12)
    assert [one.instance for one in chosen] == [1, 2]
    assert chosen[1].reason == "the best of its task"


def test_where_all_have_diverged_some_stand_for_them():
    found = rows((None, None, 0, None), (None, None, 0, None))
    assert [one.instance for one in representatives(found, 1)] == [0]
    assert by_name(found) == []
