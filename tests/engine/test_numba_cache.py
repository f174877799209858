"""The private parts of numba that training/numba/cache.py leans on."""

import inspect

import numba
from numba.core import caching

from tms_engine.analysis.polytopes import parting
from tms_engine.training.numba.cache import is_kept

SEEN = f"training/numba/cache.py was written for numba 0.68, and this is {numba.__version__}:"


def test_numbas_cache_has_the_methods_that_are_overridden():
    for name, parameters in {"load_overload": 2, "save_overload": 2, "flush": 0}.items():
        method = getattr(caching.FunctionCache, name, None)
        assert method is not None, f"{SEEN} FunctionCache has no {name}"
        found = len(inspect.signature(method).parameters) - 1
        assert found == parameters, f"{SEEN} FunctionCache.{name} takes {found} arguments"


def test_a_dispatcher_has_a_cache_to_be_replaced():
    dispatcher = numba.njit(lambda x: x)
    assert hasattr(dispatcher, "_cache"), f"{SEEN} a dispatcher has no _cache"
    assert isinstance(dispatcher._cache, caching.NullCache), f"{SEEN} _cache is a {type(dispatcher._cache)}"


def test_what_is_compiled_is_stamped_with_the_files_that_it_takes_functions_and_constants_from():
    kept = getattr(parting.name_all._cache, "_cache_file", None)
    assert kept is not None, f"{SEEN} a cache has no _cache_file"
    assert hasattr(kept, "_source_stamp"), f"{SEEN} a cache file has no _source_stamp"
    assert {"fitting.py", "ideals.py"} <= {name for name, *_ in kept._source_stamp[1:]}


def test_whether_something_is_compiled_is_told_by_its_file(tmp_path, monkeypatch):
    kept = parting.name_all._cache._cache_file
    assert hasattr(kept, "_index_path"), f"{SEEN} a cache file has no _index_path"
    monkeypatch.setattr(kept, "_index_path", str(tmp_path / "name_all.nbi"))
    assert not is_kept(parting.name_all)
    (tmp_path / "name_all.nbi").touch()
    assert is_kept(parting.name_all)
    assert is_kept(numba.njit(lambda x: x))  # has no place on disk: there is nothing to wait for
