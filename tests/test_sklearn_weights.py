"""Weights, falling rates, labels, dropout and losses of one's own, beside scikit-learn's."""

import re
import warnings
from typing import Any

import numpy as np
import pytest
from estimators import NAMES, X, Y, outputs_of
from scipy.sparse import csc_array, csr_matrix
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.ensemble import AdaBoostClassifier, AdaBoostRegressor, VotingClassifier
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from tinygrad_edu import VectorizeError
from tinygrad_edu import functions as f
from tinygrad_edu.losses import cross_entropy, half_squared_error
from tinygrad_edu.sklearn import ScalarMLPClassifier, ScalarMLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
WEIGHTS = RNG.uniform(0, 2, 150)
COUNTS = RNG.poisson(np.exp(X[:, 0]))
LABELS = np.stack([Y == 0, Y > 0, X[:, 1] > 0, X[:, 2] > X[:, 3]], axis=1).astype(int)
#: A net that is fitted in a moment, in batches that are all of one size.
SMALL: dict[str, Any] = {
    "hidden_layer_sizes": (4,), "max_iter": 8, "batch_size": 50, "random_state": 3,
    "activation": "tanh", "learning_rate_init": 0.05,
}  # fmt: skip
SGD: dict[str, Any] = {"solver": "sgd", "learning_rate_init": 0.3}
FULL: dict[str, Any] = SGD | {"batch_size": 150}
FALLING = SGD | {"max_iter": 60, "tol": 1e-2, "n_iter_no_change": 1, "learning_rate": "adaptive"}


def small(kind: Any = ScalarMLPClassifier, **options: Any) -> Any:
    return kind(**SMALL | options)


C, R = (ScalarMLPClassifier, MLPClassifier), (ScalarMLPRegressor, MLPRegressor)


@pytest.mark.parametrize(
    ("pair", "y", "options", "weights"),
    [
        (C, NAMES, SGD, None),
        (C, Y > 0, SGD, None),
        (C, np.zeros(150), SGD, None),
        (C, LABELS, SGD, None),
        (C, np.eye(3)[Y], SGD, None),
        (R, X[:, 0], SGD, None),
        (R, COUNTS, SGD | {"loss": "poisson", "learning_rate_init": 0.05}, None),
        (R, np.stack([COUNTS, COUNTS + 1], axis=1), {"loss": "poisson"}, None),
        (C, NAMES, SGD | {"learning_rate": "invscaling", "power_t": 0.3}, None),
        (C, NAMES, FALLING, None),
        (R, X[:, 0], FALLING | {"momentum": 0.5, "nesterovs_momentum": False}, None),
        (C, Y, SGD | {"early_stopping": True, "batch_size": 27}, None),
        (C, NAMES, SGD | {"activation": "logistic", "hidden_layer_sizes": (5, 4)}, None),
        (C, NAMES, FULL, WEIGHTS),
        (C, LABELS, FULL, WEIGHTS),
        (C, Y > 0, FULL | {"alpha": 1.0}, WEIGHTS),
        (R, X[:, 0], FULL | {"alpha": 1.0}, 100 * WEIGHTS),
        (R, X[:, 0], {"solver": "lbfgs", "alpha": 1.0, "loss": "squared_error"}, WEIGHTS),
    ],
)
def test_from_the_same_seed_comes_the_net_of_scikit_learn(
    pair: Any, y: Any, options: Any, weights: Any
) -> None:
    given = {} if weights is None else {"sample_weight": weights}
    if (given or "loss" in options) and "loss" not in MLPRegressor().get_params():
        pytest.skip("scikit-learn has these from 1.7 on")
    net, wanted = (kind(**SMALL | options).fit(X, y, **given) for kind in pair)
    tolerance = {"rel": 1e-9, "abs": 1e-10} if "solver" in options else {"rel": 1e-3, "abs": 1e-4}
    if options.get("solver") == "lbfgs":
        tolerance = {"rel": 1e-5, "abs": 1e-6}
    layers = [of.coefs_ + of.intercepts_ for of in (net, wanted)]
    for ours, theirs in zip(*layers, strict=True):
        assert ours == pytest.approx(theirs, **tolerance)
    assert (net.n_iter_, net.t_) == (wanted.n_iter_, wanted.t_)
    assert (net.n_outputs_, net.out_activation_) == (wanted.n_outputs_, wanted.out_activation_)
    if options.get("solver") == "sgd":
        assert net._optimizer.learning_rate == pytest.approx(wanted._optimizer.learning_rate)
    found, right = net.predict(X), wanted.predict(X)
    if pair is R:
        assert found == pytest.approx(right, **tolerance)
        return
    assert (found == right).all()
    assert found.dtype == right.dtype
    assert net.predict_proba(X) == pytest.approx(wanted.predict_proba(X), **tolerance)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("kind", [ScalarMLPClassifier, ScalarMLPRegressor])
def test_a_weight_of_2_is_the_row_given_twice(kind: Any, solver: str) -> None:
    times = np.arange(150) % 4
    options = SMALL | {"solver": solver, "batch_size": 1000, "alpha": 0.5}
    with warnings.catch_warnings(action="ignore"):  # of the size
        net = kind(**options).fit(X, Y, sample_weight=times)
        wanted = kind(**options).fit(np.repeat(X, times, axis=0), np.repeat(Y, times))
    assert net.loss_curve_ == pytest.approx(wanted.loss_curve_, rel=1e-6)
    assert net.predict(X) == pytest.approx(wanted.predict(X), rel=1e-4)


def test_classes_may_weigh_something_too() -> None:
    y, alone = Y[:110], {"sample_weight": np.array([2.0, 1.0, 3.0])[Y[:110]]}
    by_hand = small().fit(X[:110], y, **alone)
    named = small(class_weight={0: 2, 2: 3}).fit(X[:110], y)
    assert named.loss_curve_ == by_hand.loss_curve_
    # n / (classes * examples of the class)
    balanced = np.array([110 / 3 / 50, 110 / 3 / 50, 110 / 3 / 10])[y]
    both = small(class_weight="balanced").fit(X[:110], y, **alone)
    product = alone["sample_weight"] * balanced
    by_hand.fit(X[:110], y, sample_weight=product)
    assert both.loss_curve_ == pytest.approx(by_hand.loss_curve_, rel=1e-12)
    parts = small(class_weight={0: 2, 2: 3})
    parts.partial_fit(X[:110], y, classes=[0, 1, 2])
    assert parts.loss_curve_ == named.loss_curve_[:1]


def test_a_net_that_was_fitted_with_weights_opens_as_others_do() -> None:
    net = small(alpha=0.0).fit(X, NAMES, sample_weight=WEIGHTS)
    loss, _ = net.program_.value_and_grad(X[:1], [[0]])
    assert cross_entropy(net.model_(X[0].tolist()), 0).data == pytest.approx(loss)
    program = net.program_
    assert (
        net.predict_proba(X[:5]) == clone(net).fit(X, NAMES, WEIGHTS).predict_proba(X[:5])
    ).all()
    assert net.program_ is program


def test_sparse_rows_are_those_of_an_array() -> None:
    wanted = small().fit(X, NAMES)
    net = small().fit(csr_matrix(X), NAMES)
    assert net.loss_curve_ == wanted.loss_curve_
    assert (net.predict_proba(csc_array(X)) == wanted.predict_proba(X)).all()
    assert net.partial_fit(csc_array(X), NAMES).t_ == 1350


def test_dropout_is_there_while_fitting_and_not_in_predictions() -> None:
    plain = small().fit(X, NAMES)
    net = small(dropout=0.5).fit(X, NAMES)
    again = clone(net).fit(X, NAMES)
    assert net.loss_curve_ == again.loss_curve_ != plain.loss_curve_
    p = net.predict_proba(X)
    assert (p == net.predict_proba(X)).all()
    z = outputs_of(net)
    assert p[:5] == pytest.approx(np.exp(z) / np.exp(z).sum(axis=1, keepdims=True))
    stopped = small(dropout=0.3, early_stopping=True).fit(X, NAMES)
    assert stopped.best_validation_score_ == max(stopped.validation_scores_)


def test_each_hidden_layer_may_have_its_activation() -> None:
    options = SMALL | {"hidden_layer_sizes": (4, 3), "activation": ["identity", "gelu"]}
    net = ScalarMLPRegressor(**options).fit(X[:, :3], X[:, 3])
    assert net.model_.activation == ["linear", "gelu"]
    same, one = ({**options, "activation": name} for name in (["tanh"] * 2, "tanh"))
    fits = [ScalarMLPRegressor(**o).fit(X[:, :3], X[:, 3]).loss_curve_ for o in (same, one)]
    assert fits[0] == fits[1]


def halved(output: Any, target: Any) -> Any:
    return half_squared_error(output, target)


def smoothed(output: Any, target: Any) -> Any:
    """Cross entropy with a tenth of the probability spread over the classes."""
    logs = f.log_softmax(output)
    return 0.9 * cross_entropy(output, target) - 0.1 * f.mean(logs)


def asymmetric(output: Any, target: Any) -> Any:
    return 3 * (output - target) if output > target else target - output


def clipped(output: Any, target: Any) -> Any:
    return output if output > 1e9 else output - target


def test_a_loss_may_be_a_function_of_values() -> None:
    known = small(ScalarMLPRegressor).fit(X[:, :3], X[:, 3])
    own = small(ScalarMLPRegressor, loss=halved).fit(X[:, :3], X[:, 3])
    assert own.loss_curve_ == pytest.approx(known.loss_curve_, rel=1e-12)
    net = small(max_iter=40, loss=smoothed).fit(X, NAMES)
    assert net.score(X, NAMES) > 0.9
    assert net.loss_ > 0.2  # which it cannot fall below
    assert "smoothed" in str(net.deltas(X[0], "setosa"))
    weighted = small(ScalarMLPRegressor, loss=halved).fit(X[:, :3], X[:, 3], WEIGHTS)
    assert weighted.loss_curve_ == pytest.approx(
        small(ScalarMLPRegressor).fit(X[:, :3], X[:, 3], WEIGHTS).loss_curve_, rel=1e-12
    )


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    [
        (lambda: small(ScalarMLPRegressor, loss=asymmetric).fit(X, X[:, 0]), VectorizeError,
         "compares numbers of the graph"),
        (lambda: small(ScalarMLPRegressor, loss=clipped).fit(X, X[:, 0]), VectorizeError,
         r"return output if[^\n]*\n  compares numbers of the graph, which a loss of an est"),
        (lambda: small(ScalarMLPRegressor, loss="poisson").fit(X, X[:, 0]), ValueError,
         "^loss='poisson' takes counts y >= 0, and some values of y are below 0$"),
        (lambda: small(dropout=0.5, solver="lbfgs").fit(X, Y), ValueError,
         "^lbfgs needs the same loss each time: dropout goes with adam or sgd$"),
        (lambda: small(activation=["relu", "tanh"]).fit(X, Y), ValueError,
         "^activation has 2 entries for 1 hidden layers: give one for each"),
        (lambda: small(class_weight="balanced").partial_fit(X, Y, None, [0]),
         ValueError, "^class_weight='balanced' needs all rows: give partial_fit a dict$"),
        (lambda: small(class_weight={0: -1}).fit(X, Y), ValueError,
         "^Negative values in data passed to `sample_weight`"),
        (lambda: small().fit(X, Y, np.zeros(150)), ValueError,
         "^Sample weights must contain at least one non-zero number"),
        (lambda: small().fit(X, LABELS).graph(X[0]), ValueError,
         "^the net has 4 outputs: give y to see the loss of them$"),
        (lambda: small().fit(X, LABELS).explain(X[0], [1, 0]), ValueError,
         "^y has 2 numbers, expected 4$"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(call: Any, error: type[Exception], sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        call()


def test_nets_of_labels_and_counts_open_too() -> None:
    labels = small().fit(X, LABELS)
    loss, _ = labels.program_.value_and_grad(X[:1], LABELS[:1])
    shown = re.search("cross_entropy_of_labels = ([0-9.]+)", str(labels.deltas(X[0], LABELS[0])))
    penalty = 5e-5 / 50 * sum((w**2).sum() for w in labels.coefs_)
    assert loss == pytest.approx(float(shown[1]) + penalty, rel=1e-3)
    counts = small(ScalarMLPRegressor, loss="poisson").fit(X, COUNTS)
    shown = re.search(r"output = exp\(.*\) = ([0-9.]+)", str(counts.explain(X[0])))
    assert float(shown[1]) == pytest.approx(counts.predict(X[:1])[0], rel=1e-3)
    assert "poisson_deviance" in str(counts.deltas(X[0], 0))
    one = small().fit(X, ["rose"] * 150)
    assert "P(not rose)" in one.graph(X[0]).dot


#: Estimators that are made of others, with what they are fitted to.
MADE_OF = {
    "AdaBoostClassifier": lambda net: AdaBoostClassifier(net, n_estimators=3),
    "CalibratedClassifierCV": lambda net: CalibratedClassifierCV(net, cv=2),
    "VotingClassifier": lambda net: VotingClassifier(
        [("one", net), ("two", clone(net).set_params(class_weight="balanced"))],
        voting="soft", weights=[1, 2],
    ),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", MADE_OF)
def test_what_gives_weights_to_its_parts_works(name: str) -> None:
    made = MADE_OF[name](small(max_iter=30))
    assert made.fit(X, NAMES, sample_weight=WEIGHTS).score(X, NAMES) > 0.9


@pytest.mark.slow
def test_what_is_made_of_nets_works() -> None:
    net = small(max_iter=30)
    words = np.array(["a", "b", "c"])[RNG.integers(0, 3, (150, 2))]
    encoded = make_pipeline(OneHotEncoder(), net)
    assert encoded.fit(words, words[:, 0] == "a").score(words, words[:, 0] == "a") > 0.9
    assert OneVsRestClassifier(net).fit(X, NAMES).score(X, NAMES) > 0.9
    boosted = AdaBoostRegressor(ScalarMLPRegressor(**SMALL), n_estimators=2, random_state=0)
    assert boosted.fit(X[:, :3], X[:, 3]).score(X[:, :3], X[:, 3]) > 0.5
    grid = {"dropout": [0.0, 0.2], "activation": ["logistic", ["gelu"]]}
    search = GridSearchCV(net, grid, cv=2).fit(X, NAMES)
    assert len(search.cv_results_["params"]) == 4
    assert search.best_score_ > 0.8


@pytest.mark.slow
@pytest.mark.parametrize("load", [load_iris, load_wine, load_breast_cancer, load_digits])
def test_accuracies_over_a_dozen_seeds_are_those_of_scikit_learn(load: Any) -> None:
    X, y = load(return_X_y=True)
    found, wanted = [], []
    for seed in range(12):
        folds = StratifiedKFold(3, shuffle=True, random_state=seed)
        chosen, rest = next(folds.split(X, y))
        for scores, kind in ((found, ScalarMLPClassifier), (wanted, MLPClassifier)):
            net = make_pipeline(StandardScaler(), kind(random_state=seed))
            scores.append(net.fit(X[chosen], y[chosen]).score(X[rest], y[rest]))
    assert np.mean(found) >= np.mean(wanted) - np.std(wanted, ddof=1) / 12**0.5
