"""The public names: every `__all__` is sorted, complete and true."""

import importlib

import pytest
from modules import modules_with

import tinygrad_edu
from tinygrad_edu.text import public_order


@pytest.mark.parametrize("module", ["tinygrad_edu", *modules_with("\n__all__ = ")])
def test_all_is_sorted_and_every_name_exists(module: str) -> None:
    names = importlib.import_module(module).__all__
    assert list(names) == sorted(set(names), key=public_order)
    assert all(hasattr(importlib.import_module(module), name) for name in names)


def test_every_lazy_name_is_public_and_comes_from_where_it_says() -> None:
    for name, module in tinygrad_edu._LAZY.items():
        assert name in tinygrad_edu.__all__
        folder = importlib.import_module(f"tinygrad_edu.{module}")
        found = getattr(tinygrad_edu, name)
        assert found is (folder if name == module else getattr(folder, name))


def test_vectorize_is_a_function_and_a_folder() -> None:
    from tinygrad_edu import vectorize

    program = vectorize(lambda x: 2 * x, 1.0)
    assert program([1.0, 2.0]).tolist() == [2.0, 4.0]
    assert vectorize.vectorize(lambda x: 2 * x, 1.0)([3.0]).tolist() == [6.0]


def test_an_unknown_name_says_so() -> None:
    with pytest.raises(AttributeError, match="module 'tinygrad_edu' has no attribute 'vaule'"):
        tinygrad_edu.vaule  # noqa: B018


def test_train_is_the_function_whatever_was_imported_before() -> None:
    importlib.import_module("tinygrad_edu.train.descent")
    assert tinygrad_edu.train.__name__ == "train"


def test_dir_lists_the_public_names() -> None:
    assert set(tinygrad_edu.__all__) <= set(dir(tinygrad_edu))


@pytest.mark.parametrize("name", tinygrad_edu.__all__)
def test_every_public_name_has_a_docstring(name: str) -> None:
    assert getattr(tinygrad_edu, name).__doc__
