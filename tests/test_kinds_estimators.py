"""The options of scikit-learn's estimators, those that neither has, and the order of checks."""

import inspect
from typing import Any

import numpy as np
import pytest
from estimators import SMALL
from refusals import refusals
from sklearn.base import clone
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.utils.estimator_checks import check_param_validation

from tinygrad_edu.sklearn import ScalarMLPClassifier, ScalarMLPRegressor

PAIRS = [(ScalarMLPClassifier, MLPClassifier), (ScalarMLPRegressor, MLPRegressor)]
X, Y = [[0.0], [1.0], [2.0], [3.0]] * 3, [0, 1] * 6


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
@pytest.mark.parametrize("method", ["__init__", "fit", "partial_fit"])
def test_what_the_others_take_is_taken(ours: Any, theirs: Any, method: str) -> None:
    taken, wanted = (inspect.signature(getattr(x, method)).parameters for x in (ours, theirs))
    assert {name: taken[name].default for name in wanted} == {
        name: parameter.default for name, parameter in wanted.items()
    }


test_an_option_that_is_not_there_says_what_to_write = refusals([
    (lambda: ScalarMLPClassifier(max_iters=5), TypeError,
     "ScalarMLPClassifier takes no max_iters: the constructor takes max_iter"),
    (lambda: ScalarMLPClassifier(hidden_layer_size=5), TypeError,
     "ScalarMLPClassifier takes no hidden_layer_size: the constructor takes hidden_layer_sizes"),
    (lambda: ScalarMLPRegressor(class_weight="balanced"), TypeError,
     "ScalarMLPRegressor takes no class_weight: the constructor takes "
     + ", ".join(ScalarMLPRegressor().get_params())),
    (lambda: ScalarMLPClassifier(net=1, options=2), TypeError,
     "ScalarMLPClassifier takes no net: the constructor takes "
     + ", ".join(ScalarMLPClassifier().get_params())),
    (lambda: ScalarMLPClassifier(**{"a" * 1000: 1}), TypeError,
     f"ScalarMLPClassifier takes no {'a' * 60}: the constructor takes "
     + ", ".join(ScalarMLPClassifier().get_params())),
    (lambda: ScalarMLPClassifier(**SMALL).fit(X, Y, max_iter=5), TypeError,
     "ScalarMLPClassifier takes no max_iter: the constructor takes max_iter"),
])  # fmt: skip


def test_copies_have_the_parameters_of_the_others_and_two_or_three_more() -> None:
    more = {"dropout", "loss", "class_weight"}
    for ours, theirs in PAIRS:
        net, wanted = ours(**SMALL), theirs(**SMALL).get_params()
        assert {name: x for name, x in net.get_params().items() if name in wanted} == wanted
        assert set(net.get_params()) - set(wanted) == more - set(wanted) & set(net.get_params())
        assert clone(net).get_params() == net.get_params()


@pytest.mark.parametrize("begin", ["fit", "partial_fit"])
@pytest.mark.parametrize("kind", [ScalarMLPClassifier, ScalarMLPRegressor])
@pytest.mark.parametrize(
    ("options", "error", "sentence"),
    [
        ({"alpha": -1}, ValueError, "The 'alpha' parameter of Scalar"),
        ({"activation": "softmax"}, ValueError, "The 'activation' parameter of Scalar"),
        ({"activation": ["softmax"]}, ValueError, "The 'activation' parameter of Scalar"),
        ({"activation": np.array(None)}, TypeError, "activation must be a list of names, got"),
        ({"activation": [["relu"]]}, TypeError, "The 'activation' parameter of Scalar"),
        ({"activation": {"relu": 1}, "dropout": 1.0}, ValueError, "The 'dropout' parameter of S"),
        ({"loss": "hinge"}, ValueError, "The 'loss' parameter of Scalar.* or a callable"),
        ({"learning_rate": "__class__"}, ValueError, "The 'learning_rate' parameter of Scalar"),
        ({"hidden_layer_sizes": (3.0,)}, TypeError,
         r"^a size in hidden_layer_sizes must be an int of at least 1, got float 3\.0$"),
        ({"hidden_layer_sizes": (3, 0)}, ValueError,
         "^a size in hidden_layer_sizes must be an int of at least 1, got 0$"),
        ({"hidden_layer_sizes": np.array(2.0)}, TypeError, "at least 1, got ndarray"),
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
