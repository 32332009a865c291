# ruff: noqa: E402
"""Options that scikit-learn's estimators have and these have not, and the order of checks."""

import inspect
import re
from pathlib import Path
from typing import Any

import pytest

for _module in ("sklearn", "scipy"):
    pytest.importorskip(_module, reason="scikit-learn is missing: pip install -e '.[sklearn]'")

import numpy as np
from refusals import refusals
from sklearn.base import clone
from sklearn.ensemble import AdaBoostClassifier
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.utils.estimator_checks import check_param_validation

from tinygrad_edu.sklearn import ScalarMLPClassifier, ScalarMLPRegressor
from tinygrad_edu.sklearn.solvers import MISSING

PAIRS = [(ScalarMLPClassifier, MLPClassifier), (ScalarMLPRegressor, MLPRegressor)]
X, Y = [[0.0], [1.0], [2.0], [3.0]] * 3, [0, 1] * 6
SMALL: dict[str, Any] = {"hidden_layer_sizes": (2,), "max_iter": 2, "random_state": 0}


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
@pytest.mark.parametrize("method", ["__init__", "fit", "partial_fit"])
def test_what_the_others_take_is_taken_or_in_the_table(ours: Any, theirs: Any, method: str) -> None:
    taken = inspect.signature(getattr(ours, method)).parameters
    for name in inspect.signature(getattr(theirs, method)).parameters:
        assert (name in taken) != (name in MISSING), name


def test_the_readme_has_the_same_table() -> None:
    text = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    section = text.partition("## scikit-learn")[2].partition("```py")[0]
    assert dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", section, re.MULTILINE)) == MISSING


def refused(name: str, who: str = "ScalarMLPClassifier") -> str:
    return f"{who} takes no {name}: {MISSING[name]}"


test_an_option_that_is_not_there_says_what_to_write = refusals([
    (lambda: ScalarMLPClassifier(learning_rate="constant"), TypeError, refused("learning_rate")),
    (lambda: ScalarMLPClassifier(power_t=0.5), TypeError, refused("power_t")),
    (lambda: ScalarMLPClassifier((3,), "tanh", loss="log_loss"), TypeError, refused("loss")),
    (lambda: ScalarMLPRegressor(loss="poisson"), TypeError, refused("loss", "ScalarMLPRegressor")),
    (lambda: ScalarMLPRegressor(learning_rate="adaptive"), TypeError,
     refused("learning_rate", "ScalarMLPRegressor")),
    (lambda: ScalarMLPClassifier(**SMALL).fit(X, Y, sample_weight=[1.0] * 12), TypeError,
     refused("sample_weight")),
    (lambda: ScalarMLPClassifier(**SMALL).partial_fit(X, Y, [0, 1], sample_weight=Y), TypeError,
     refused("sample_weight")),
    (lambda: ScalarMLPRegressor(**SMALL).fit(X, Y, sample_weight=Y), TypeError,
     refused("sample_weight", "ScalarMLPRegressor")),
    (lambda: ScalarMLPClassifier(max_iters=5), TypeError,
     "ScalarMLPClassifier takes no max_iters: the constructor takes max_iter"),
    (lambda: ScalarMLPClassifier(hidden_layer_size=5), TypeError,
     "ScalarMLPClassifier takes no hidden_layer_size: the constructor takes hidden_layer_sizes"),
    (lambda: ScalarMLPClassifier(**SMALL).fit(X, Y, max_iter=5), TypeError,
     "ScalarMLPClassifier takes no max_iter: the constructor takes max_iter"),
])  # fmt: skip


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_no_weights_are_no_weights_and_copies_have_the_same_parameters() -> None:
    net = ScalarMLPClassifier(**SMALL)
    assert net.fit(X, Y, sample_weight=None) is net
    assert set(net.get_params()) == set(MLPClassifier().get_params()) - set(MISSING)
    assert clone(net).get_params() == net.get_params()
    with pytest.raises(ValueError, match="doesn't support sample_weight"):
        AdaBoostClassifier(net).fit(X, Y)


@pytest.mark.parametrize("begin", ["fit", "partial_fit"])
@pytest.mark.parametrize("kind", [ScalarMLPClassifier, ScalarMLPRegressor])
@pytest.mark.parametrize(
    ("options", "error", "sentence"),
    [
        ({"alpha": -1}, ValueError, "The 'alpha' parameter of Scalar"),
        ({"activation": "softmax"}, ValueError, "The 'activation' parameter of Scalar"),
        ({"hidden_layer_sizes": (3.0,)}, TypeError,
         r"^a size in hidden_layer_sizes must be an int of at least 1, got float 3\.0$"),
        ({"hidden_layer_sizes": (True,)}, TypeError,
         "^a size in hidden_layer_sizes must be an int of at least 1, got bool True$"),
        ({"hidden_layer_sizes": (3, 0)}, ValueError,
         "^a size in hidden_layer_sizes must be an int of at least 1, got 0$"),
        ({"hidden_layer_sizes": np.array([2.5])}, TypeError, "at least 1, got float64 "),
        ({"hidden_layer_sizes": [None]}, TypeError, "at least 1, got None$"),
        ({"batch_size": 0}, ValueError, "The 'batch_size' parameter of Scalar"),
    ],
)  # fmt: skip
def test_parameters_are_checked_before_the_data(
    options: dict[str, Any], error: type[Exception], sentence: str, kind: Any, begin: str
) -> None:
    with pytest.raises(error, match=sentence):
        getattr(kind(**options), begin)("no rows", None)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("hidden", [3, (), [2, 3], np.array([2]), np.int64(2)])
def test_hidden_layers_are_given_in_any_list_of_ints(hidden: Any) -> None:
    net = ScalarMLPRegressor(hidden, max_iter=1, random_state=0).fit(X, Y)
    assert net.model_.sizes == [1, *np.ravel(hidden).astype(int), 1]


@pytest.mark.parametrize("kind", [ScalarMLPClassifier, ScalarMLPRegressor])
def test_parameters_are_validated_as_scikit_learn_asks(kind: Any) -> None:
    check_param_validation(kind.__name__, kind())
