"""The estimators for scikit-learn: what they share with `MLPClassifier`, and what they open."""

import copy
import pickle
import re
import warnings
from pathlib import Path
from typing import Any

import estimators
import numpy as np
import pytest
from estimators import NAMES, X, Y, outputs_of
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.inspection import DecisionBoundaryDisplay
from sklearn.model_selection import GridSearchCV, LearningCurveDisplay, cross_val_score
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from tinygrad_edu import NonFiniteError, detect_anomaly
from tinygrad_edu.cli import main
from tinygrad_edu.losses import LOSSES
from tinygrad_edu.sklearn import ScalarMLPClassifier, ScalarMLPRegressor
from tinygrad_edu.train import blocks
from tinygrad_edu.train.machine import MachineDescent

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
    "ignore::sklearn.exceptions.SkipTestWarning",
)

#: A net of three tanh units that learns the irises.
SMALL = estimators.SMALL | {"activation": "tanh", "learning_rate_init": 0.05, "max_iter": 40}


def fitted(X: Any = X, y: Any = Y, kind: Any = ScalarMLPClassifier, **options: Any) -> Any:
    return kind(**SMALL | options).fit(X, y)


@pytest.fixture(scope="module")
def classifier() -> Any:
    with warnings.catch_warnings(action="ignore"):
        return fitted(X, NAMES)


@pytest.mark.slow
@parametrize_with_checks(
    [
        ScalarMLPClassifier((10,), learning_rate_init=0.02, n_iter_no_change=3, tol=1e-3),
        ScalarMLPRegressor((10,), learning_rate_init=0.02, n_iter_no_change=3, tol=1e-3),
        ScalarMLPClassifier((5,), solver="lbfgs", tol=1e-2),
    ]
)
def test_every_check_of_scikit_learn_passes(estimator: Any, check: Any) -> None:
    if not check.func.__name__.endswith("_output_format_decision_function"):  # there is none
        check(estimator)


@pytest.mark.slow
def test_the_example_of_the_readme_runs() -> None:
    text = (Path(__file__).parents[1] / "README.md").read_text().partition("## scikit-learn")[2]
    exec(compile(re.search(r"```py\n(.*?)```", text, re.DOTALL)[1], "README", "exec"), {})


def test_text_labels_are_learned_and_given_back(classifier: Any) -> None:
    assert classifier.classes_.tolist() == ["setosa", "versicolor", "virginica"]
    assert set(classifier.predict(X)) == set(NAMES)
    assert classifier.score(X, NAMES) > 0.95


def test_probabilities_are_those_of_the_model(classifier: Any) -> None:
    z = outputs_of(classifier)
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    assert classifier.predict_proba(X[:5]) == pytest.approx(p, rel=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_a_seed_gives_the_same_net_to_the_last_bit(solver: str) -> None:
    one, two = (fitted(max_iter=5, solver=solver) for _ in range(2))
    assert one.model_.state_dict() == two.model_.state_dict()
    assert one.loss_curve_ == two.loss_curve_


@pytest.mark.slow
@pytest.mark.parametrize(
    ("ours", "theirs", "X", "y"),
    [
        (ScalarMLPClassifier, MLPClassifier, X, Y),
        (ScalarMLPClassifier, MLPClassifier, X, Y > 0),
        (ScalarMLPRegressor, MLPRegressor, X[:, :3], X[:, 3]),
    ],
)
@pytest.mark.parametrize(
    "options",
    [
        {"solver": "sgd"},
        {"solver": "sgd", "momentum": 0.5, "nesterovs_momentum": False, "batch_size": 50},
        {"solver": "adam", "batch_size": 30, "alpha": 0.1},
        {"solver": "adam", "activation": "relu"},
    ],
)
def test_from_the_same_weights_losses_are_those_of_scikit_learn(
    ours: Any, theirs: Any, X: Any, y: Any, options: dict[str, Any]
) -> None:
    options = SMALL | {"max_iter": 5, "shuffle": False, "epsilon": 1e-15} | options
    reference = theirs(**options, warm_start=True).fit(X, y)
    net = ours(**options, warm_start=True).fit(X, y)
    for k, layer in enumerate(net.model_.layers):
        for j, unit in enumerate(layer.neurons):
            unit.b.data = reference.intercepts_[k][j]
            for i, w in enumerate(unit.w):
                w.data = reference.coefs_[k][i, j]
    assert net.predict(X).tolist() == pytest.approx(reference.predict(X).tolist())
    net.fit(X, y)
    reference.fit(X, y)
    assert net.loss_curve_[5:] == pytest.approx(reference.loss_curve_[5:], rel=1e-5)
    assert [w.ravel() for w in net.coefs_] == [
        pytest.approx(w.ravel(), rel=1e-3, abs=1e-4) for w in reference.coefs_
    ]


@pytest.mark.slow
def test_lbfgs_ends_where_the_gradient_is_small() -> None:
    net = ScalarMLPRegressor(**SMALL | {"solver": "lbfgs", "max_iter": 500, "alpha": 1.0})
    net.fit(X[:, :3], X[:, 3])
    loss, gradient = net.program_.value_and_grad(X[:, :3], X[:, 3:])
    assert loss == pytest.approx(net.loss_, rel=1e-12)
    assert abs(gradient).max() < 1e-3
    assert net.loss_curve_[-1] == pytest.approx(net.loss_)


def test_targets_with_several_columns_have_several_outputs() -> None:
    net = fitted(X[:, :2], X[:, 2:], ScalarMLPRegressor, max_iter=300)
    assert net.predict(X[:7, :2]).shape == (7, 2)
    assert net.score(X[:, :2], X[:, 2:]) > 0.8


def test_partial_fit_is_an_epoch_of_fit() -> None:
    net = fitted(max_iter=3)
    parts = ScalarMLPClassifier(**SMALL)
    for _ in range(3):
        parts.partial_fit(X, Y, classes=[0, 1, 2])
    assert parts.model_.state_dict() == net.model_.state_dict()
    assert parts.loss_curve_ == net.loss_curve_


@pytest.mark.slow
def test_a_warm_start_goes_on() -> None:
    net = fitted(warm_start=True)
    first = net.loss_
    assert net.fit(X, Y).loss_ < first
    assert len(net.loss_curve_) == 80


@pytest.mark.parametrize("way", [copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))])
def test_a_copy_predicts_and_goes_on_as_the_original(way: Any) -> None:
    net = fitted(X, NAMES, max_iter=3)
    twin = way(net)
    assert (twin.predict_proba(X) == net.predict_proba(X)).all()
    assert twin.partial_fit(X, NAMES).loss_ == net.partial_fit(X, NAMES).loss_
    assert twin.model_.state_dict() == net.model_.state_dict()


def test_predictions_follow_the_model() -> None:
    net = fitted(X, NAMES, max_iter=3)
    for p in net.model_.parameters():
        p.data = 0.0
    assert net.predict_proba(X[:1]).tolist() == [pytest.approx([1 / 3] * 3)]


def test_early_stopping_keeps_the_best_net() -> None:
    net = fitted(X, NAMES, max_iter=100, early_stopping=True, tol=1.0)
    # the first epoch counts as an improvement, 11 without are one too many
    assert (net.n_iter_, len(net.validation_scores_)) == (12, 12)
    assert net.best_validation_score_ == max(net.validation_scores_)


@pytest.mark.slow
def test_training_ends_where_the_loss_no_longer_falls() -> None:
    net = fitted(tol=100.0, n_iter_no_change=3)
    assert (net.n_iter_, len(net.loss_curve_)) == (5, 5)


@pytest.mark.filterwarnings("default::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_the_last_epoch_is_a_convergence_warning(solver: str) -> None:
    with pytest.warns(ConvergenceWarning, match=r"Maximum iterations \(2\) reached|LIMIT"):
        net = fitted(max_iter=2, solver=solver)
    assert net.n_iter_ == 2


def test_ctrl_c_leaves_a_fitted_net(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr("tinygrad_edu.sklearn.solvers._stops", interrupted)
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        net = fitted()
    assert net.n_iter_ == 1
    assert net.predict(X).shape == (150,)


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_epochs_that_are_made_ahead_are_those_of_one_by_one(
    solver: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {"solver": solver, "max_iter": 200, "tol": 1e-3, "batch_size": 40}
    ahead = fitted(**options, n_iter_no_change=3)
    monkeypatch.setattr(blocks, "SECONDS", 0.0)
    one_by_one = fitted(**options, n_iter_no_change=3)
    assert ahead.n_iter_ == one_by_one.n_iter_ < 200
    assert ahead.loss_curve_ == one_by_one.loss_curve_
    assert ahead.model_.state_dict() == one_by_one.model_.state_dict()


def test_epochs_that_were_complete_before_an_interruption_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run, expected = MachineDescent.run, fitted(max_iter=3)

    def interrupted(descent: MachineDescent, block: blocks.Block, epoch: int) -> None:
        block.most = 3
        run(descent, block, epoch)
        raise KeyboardInterrupt

    monkeypatch.setattr(MachineDescent, "run", interrupted)
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        net = fitted()
    assert (net.n_iter_, net.loss_curve_) == (3, expected.loss_curve_)
    assert net.model_.state_dict() == expected.model_.state_dict()


def test_rows_are_predicted_in_parts(classifier: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = classifier.predict_proba(X)
    monkeypatch.setattr(classifier.program_.plan, "rows", 64)
    assert classifier.predict_proba(X) == pytest.approx(whole, rel=1e-12)


@pytest.mark.slow
def test_pipeline_grid_search_and_displays_work() -> None:
    steps = make_pipeline(StandardScaler(), ScalarMLPClassifier(**SMALL))
    grid = {"scalarmlpclassifier__hidden_layer_sizes": [(), (3,)]}
    found = GridSearchCV(steps, grid, cv=2).fit(X[:, :2], NAMES)
    assert found.best_score_ > 0.7
    shown = DecisionBoundaryDisplay.from_estimator(found, X[:, :2], grid_resolution=10)
    assert shown.response.shape == (10, 10, 3)
    curve = LearningCurveDisplay.from_estimator(steps, X, NAMES, train_sizes=[0.5, 1.0], cv=2)
    assert curve.test_scores.shape == (2, 2)


@pytest.mark.slow
def test_frames_give_their_names_to_the_views() -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    frame = pandas.DataFrame(X, columns=["sl", "sw", "pl", "pw"])
    net = fitted(frame, pandas.Series(NAMES), max_iter=3)
    assert net.feature_names_in_.tolist() == ["sl", "sw", "pl", "pw"]
    assert (net.predict(frame) == net.predict(pandas.DataFrame(frame))).all()
    assert "pw" in net.graph(frame.iloc[0], "setosa").dot
    assert net.explain(frame.iloc[0], wrt="pw").value != 0


def test_the_graph_shows_the_answer_or_the_loss(classifier: Any) -> None:
    assert "P(setosa)" in classifier.graph(X[0]).dot
    graph = classifier.graph(X[0], "setosa", level="neuron")
    assert "layer1.neuron3" in graph.dot
    assert any(p.grad for p in classifier.model_.parameters())


def test_the_chain_rule_is_the_gradient_of_the_program(classifier: Any) -> None:
    net = fitted(X, NAMES, alpha=0.0)
    _, gradient = net.program_.value_and_grad(X[:1], [0])
    [k] = [k for k, p in enumerate(net.program_.parameters) if p.name == "layer1.neuron2.w[1]"]
    shown = net.explain(X[0], "setosa", wrt="layer1.neuron2.w[1]")
    assert shown.value == pytest.approx(gradient[k], rel=1e-9)
    assert str(net.explain(X[0], "setosa", wrt="w1[2,2]")) == str(shown)
    assert net.explain(X[0], "setosa", wrt="x4").value != 0


def test_deltas_and_program_are_those_of_the_textbook(classifier: Any) -> None:
    shown = str(classifier.deltas(X[0], "setosa"))
    assert "delta = p_k - 1[y = k]" in shown
    assert "cross_entropy" in shown
    assert "Z1 = X @ W1.T + b1" in classifier.program_.source
    assert "dW1 = " in classifier.program_.source


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda net: net.explain(X[0], "rose"), ValueError, "y is 'rose', none of the classes"),
        (lambda net: net.graph(X[0], [0, 1]), ValueError, r"y is \[0, 1\], none of the classes"),
        (lambda net: net.graph(X[0, :2]), ValueError, "x is one row of 4 features, got 2"),
        (lambda net: net.explain(X[0], wrt="w"), ValueError, "nothing is named 'w': wrt is a"),
        (lambda net: net.partial_fit(X, ["rose"] * 150), ValueError, "`y` has classes not in"),
        (lambda net: clone(net).partial_fit(X, Y), ValueError, "classes must be passed on the"),
        (
            lambda net: clone(net).set_params(early_stopping=True).fit(X[:9], NAMES[::17]),
            ValueError,
            "The validation set is too small",
        ),
        (lambda net: clone(net).graph(X[0]), NotFittedError, "is not fitted yet"),
        (lambda net: clone(net).program_, NotFittedError, "is not fitted yet"),
    ],
)
def test_what_does_not_fit_says_so(
    call: Any, error: type[Exception], message: str, classifier: Any
) -> None:
    with pytest.raises(error, match=message):
        call(classifier)


def test_numbers_that_overflow_are_an_error() -> None:
    with pytest.raises(ValueError, match="Solver produced non-finite parameter weights"):
        fitted(X, 1e300 * X[:, 0], ScalarMLPRegressor)


def test_lbfgs_has_no_partial_fit() -> None:
    assert not hasattr(ScalarMLPClassifier(solver="lbfgs"), "partial_fit")
    assert hasattr(ScalarMLPClassifier(), "partial_fit")


def test_the_losses_are_those_of_the_package(classifier: Any) -> None:
    assert classifier._loss is LOSSES["cross_entropy"]
    assert ScalarMLPRegressor()._loss is LOSSES["half_squared_error"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("ours", "theirs", "load"),
    [
        (ScalarMLPClassifier, MLPClassifier, load_iris),
        (ScalarMLPClassifier, MLPClassifier, load_breast_cancer),
        (ScalarMLPRegressor, MLPRegressor, load_diabetes),
    ],
)
def test_scores_are_within_a_standard_error_of_those_of_scikit_learn(
    ours: Any, theirs: Any, load: Any
) -> None:
    X, y = load(return_X_y=True)
    options = {"hidden_layer_sizes": (20,), "learning_rate_init": 0.01, "random_state": 0}
    found, wanted = (
        cross_val_score(make_pipeline(StandardScaler(), make(**options)), X, y, cv=5)
        for make in (ours, theirs)
    )
    assert found.mean() > wanted.mean() - wanted.std(ddof=1) / 5**0.5


@pytest.mark.slow
def test_the_benchmark_shows_time_and_accuracy_of_both(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tinygrad_edu.bench.fits.DATA", {"iris": "load_iris"})
    assert main(["bench", "--sklearn", "--rounds", "1"]) == 0
    shown = capsys.readouterr().out
    assert re.search(r"iris\n  tinygrad_edu matrix .*\(0\.\d{3}, 0\.\d{3} ± 0\.\d{3}\)\n", shown)
    assert re.search(r"  MLPClassifier 1\..* 4 (met|missed)\n", shown)
    assert shown.endswith("\nto repeat: python -m tinygrad_edu bench --rounds 1 --sklearn\n")


def predicted_by_a_huge_net() -> Any:
    classifier = ScalarMLPClassifier((3,), max_iter=300, tol=1.0).fit(X, Y)
    for p in classifier.model_.parameters():
        p.data = 1e200
    return classifier.predict(X)


BAD = {
    "a classifier": lambda: ScalarMLPClassifier((3,), learning_rate_init=1e200).fit(X, Y),
    "a regressor": lambda: ScalarMLPRegressor((3,), learning_rate_init=1e200, solver="sgd").fit(
        X, Y
    ),
    "the predictions of a classifier": predicted_by_a_huge_net,
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", BAD)
def test_inside_detect_anomaly_estimators_name_the_first_node_that_is_not_finite(name: str) -> None:
    with detect_anomaly(), pytest.raises(NonFiniteError, match=r"^forward: \w+ of \("):
        BAD[name]()
