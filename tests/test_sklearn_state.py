"""What the estimators keep between calls: threads, batches, solvers, attributes, verbose lines."""

import copy
import pickle
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from estimators import SMALL, X, Y, fitted, outputs_of
from joblib import parallel_backend
from sklearn.inspection import permutation_importance
from sklearn.neural_network import MLPClassifier, MLPRegressor

from tinygrad_edu import MLP, NonFiniteError, detect_anomaly
from tinygrad_edu.optim import SGD, Adam
from tinygrad_edu.sklearn import ScalarMLPClassifier, ScalarMLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

ATTRIBUTES = [
    "best_loss_", "best_validation_score_", "n_iter_", "n_layers_", "n_outputs_", "out_activation_",
    "t_", "validation_scores_",
]  # fmt: skip


def learned(net: Any) -> Any:
    """The weights as one vector."""
    return np.concatenate([w.ravel() for w in net.coefs_])


@pytest.mark.parametrize("way", ["fitted", "unpickled", "copied"])
def test_threads_may_share_a_fitted_net(way: str) -> None:
    net = fitted()
    wanted = {n: net.predict_proba(X[:n]) for n in (75, 150)}
    if way != "fitted":
        net = pickle.loads(pickle.dumps(net)) if way == "unpickled" else copy.deepcopy(net)
    with ThreadPoolExecutor(4) as pool:
        for n, p in pool.map(lambda n: (n, net.predict_proba(X[:n])), [75, 150] * 60):
            assert (p == wanted[n]).all()


@pytest.mark.slow
def test_importances_are_the_same_from_threads() -> None:
    net = fitted(solver="lbfgs", max_iter=50)
    alone = permutation_importance(net, X, Y, random_state=0, n_repeats=10)
    with parallel_backend("threading", n_jobs=4):
        threads = permutation_importance(net, X, Y, random_state=0, n_repeats=10)
    assert (threads.importances == alone.importances).all()


def test_the_penalty_of_partial_fit_is_that_of_the_rows_at_hand() -> None:
    options = {"solver": "sgd", "learning_rate_init": 0.1, "momentum": 0, "shuffle": False}
    net = ScalarMLPClassifier(**SMALL | options, alpha=1.0)
    net.partial_fit(X[:1], Y[:1], classes=[0, 1, 2])
    for rows, alpha in ((150, 1.0), (150, 10.0), (50, 10.0)):
        plain = copy.deepcopy(net).set_params(alpha=0).partial_fit(X[:rows], Y[:rows])
        # a step on R = alpha / rows / 2 * sum w^2 takes 0.1 * alpha / rows * w more off w
        wanted = learned(plain) - 0.1 * alpha / rows * learned(net)
        net.set_params(alpha=alpha).partial_fit(X[:rows], Y[:rows])
        assert learned(net) == pytest.approx(wanted, rel=1e-9)


def test_another_penalty_keeps_the_state_of_the_optimizer() -> None:
    net = fitted(shuffle=False)
    twin = copy.deepcopy(net).partial_fit(X, Y)
    net.set_params(alpha=1e-12).partial_fit(X, Y)
    assert net._optimizer.optimizer.steps == twin._optimizer.optimizer.steps == 4
    assert learned(net) == pytest.approx(learned(twin), abs=1e-6)


def test_the_program_is_made_again_only_where_it_has_to() -> None:
    net = fitted()
    program = net.program_
    net.partial_fit(X, Y).predict(X)
    assert net.program_ is program
    net.partial_fit(X[:10], Y[:10])
    assert net.program_ is not program


def test_nets_that_differ_in_their_numbers_alone_share_the_tracing_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tinygrad_edu.sklearn.options._KNOWN", {})
    alone = [fitted(random_state=seed) for seed in (0, 1)]
    wanted = [net.predict_proba(X) for net in alone]

    def traced(*_: Any) -> None:
        raise AssertionError("traced anew")

    with monkeypatch.context() as patch:
        patch.setattr("tinygrad_edu.sklearn.options.checked_program", traced)
        nets = [fitted(random_state=seed) for seed in (0, 1)]
        found = [net.predict_proba(X) for net in nets]
    assert [(a == b).all() for a, b in zip(found, wanted, strict=True)] == [True, True]
    assert learned(nets[0]) == pytest.approx(learned(alone[0]), abs=0)
    assert nets[0].program_.parameters[0] in nets[0].model_.parameters()
    assert nets[0].program_.source == alone[1].program_.source
    for vector in ("P", "G"):
        assert not np.shares_memory(*[getattr(net.program_, vector) for net in nets])
    # a net that was changed since it was new is traced by itself
    nets[0].model_.layers[0].neurons[0].w = nets[0].model_.layers[0].neurons[1].w
    nets[0].partial_fit(X[:90], Y[:90])
    assert fitted(random_state=1).loss_curve_ == fitted(random_state=1).loss_curve_
    assert nets[0]._outputs(X[:5]) == pytest.approx(outputs_of(nets[0]), rel=1e-12)


def test_a_net_with_a_shared_program_names_the_node_inside_detect_anomaly() -> None:
    net = [fitted(), fitted()][1]
    for p in net.model_.parameters():
        p.data = 1e200
    with detect_anomaly(), pytest.raises(NonFiniteError, match=r"^forward: \w+ of \("):
        net.predict(X)


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [("lbfgs", "adam", Adam), ("sgd", "adam", Adam), ("adam", "sgd", SGD)],
)
def test_another_solver_has_its_own_optimizer(before: str, after: str, kind: type) -> None:
    net = fitted(solver=before).set_params(solver=after, learning_rate_init=0.5)
    net.partial_fit(X, Y)
    found = net._optimizer.optimizer
    assert (type(found), found.lr, found.steps) == (kind, 0.5, 1)
    net.partial_fit(X, Y)
    assert net._optimizer.optimizer is found
    assert found.steps == 2


@pytest.mark.parametrize(
    ("data", "error"),
    [
        ((X, Y, None, [0]), "`y` has classes not in"),
        ((X, Y, None, [0, 1]), "`y` has classes not in"),
        ((X[:3], Y, None, [0, 1, 2, 3]), "inconsistent numbers of samples"),
    ],
)
def test_a_refused_first_partial_fit_leaves_no_classes(data: Any, error: str) -> None:
    net = ScalarMLPClassifier(**SMALL)
    with pytest.raises(ValueError, match=error):
        net.partial_fit(*data)
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        net.partial_fit(X, Y)
    assert net.partial_fit(X, Y, classes=[0, 1, 2]).classes_.tolist() == [0, 1, 2]


@pytest.mark.parametrize("y", [Y[Y < 2], Y[:100] + 1])
def test_a_warm_start_takes_the_same_classes_only(y: Any) -> None:
    texts = []
    for make in (ScalarMLPClassifier, MLPClassifier):
        net = make(**SMALL, warm_start=True).fit(X, Y)
        with pytest.raises(ValueError, match="warm_start can only be used where `y` has") as caught:
            net.fit(X[:100], y)
        texts.append(str(caught.value))
    assert texts[0] == texts[1]


def test_a_net_that_takes_the_place_of_the_model_predicts_and_learns() -> None:
    net, other = fitted(), fitted(random_state=1)
    net.model_ = copy.deepcopy(other.model_)
    assert (net.predict_proba(X) == other.predict_proba(X)).all()
    before = learned(net)
    net.partial_fit(X, Y)
    assert (learned(net) != before).any()
    assert net._optimizer.optimizer.steps == 1
    net.model_ = MLP(4, [5, 3], "tanh", rng=0)
    assert net._outputs(X[:5]) == pytest.approx(outputs_of(net), rel=1e-12)


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_verbose_prints_a_line_for_each_iteration_where_no_bar_is_seen(
    solver: str, capsys: pytest.CaptureFixture[str]
) -> None:
    net = fitted(solver=solver, verbose=True)
    lines = [f"Iteration {k}, loss = {x:.8f}" for k, x in enumerate(net.loss_curve_, start=1)]
    assert len(lines) == 3
    assert capsys.readouterr() == ("\n".join([*lines, ""]), "")
    fitted(solver=solver)
    assert capsys.readouterr() == ("", "")


def test_verbose_prints_the_scores_of_early_stopping(capsys: pytest.CaptureFixture[str]) -> None:
    net = fitted(verbose=True, early_stopping=True)
    shown = re.findall(r"Validation score: (\S+)", capsys.readouterr().out)
    assert shown == [f"{score:f}" for score in net.validation_scores_]


@pytest.mark.parametrize(
    ("ours", "theirs", "y"),
    [
        (ScalarMLPClassifier, MLPClassifier, Y),
        (ScalarMLPClassifier, MLPClassifier, Y > 0),
        (ScalarMLPRegressor, MLPRegressor, X[:, :2]),
    ],
)
@pytest.mark.parametrize("early_stopping", [False, True])
def test_attributes_have_the_meaning_they_have_in_scikit_learn(
    ours: Any, theirs: Any, y: Any, early_stopping: bool
) -> None:
    options = SMALL | {"early_stopping": early_stopping}
    net, reference = ours(**options).fit(X, y), theirs(**options).fit(X, y)
    for name in ATTRIBUTES:
        found, wanted = getattr(net, name), getattr(reference, name)
        if isinstance(wanted, float | list):  # other first weights, other losses
            assert type(wanted)(found) == found
            assert np.size(found) == np.size(wanted)
        else:
            assert found == wanted, name
    if early_stopping:
        assert net.best_validation_score_ == max(net.validation_scores_)
    else:
        assert net.best_loss_ == min(net.loss_curve_)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_nothing_of_an_earlier_fit_remains(solver: str) -> None:
    net = fitted(early_stopping=True).set_params(early_stopping=solver == "lbfgs", solver=solver)
    net.fit(X, Y)
    assert (net.validation_scores_, net.best_validation_score_) == (None, None)
    assert net.best_loss_ == min(net.loss_curve_)
    assert net.t_ == (450 if solver == "adam" else 0)


def test_a_fit_that_goes_on_keeps_the_classes_and_counts_rows_on() -> None:
    net = fitted().partial_fit(X[:60], Y[:60])
    assert net.classes_.tolist() == [0, 1, 2]
    assert net.t_ == 510
    assert net.set_params(warm_start=True).fit(X, Y).t_ == 960


def test_weights_are_read_only() -> None:
    net = fitted()
    for array in net.coefs_ + net.intercepts_:
        with pytest.raises(ValueError, match="read-only"):
            array[:] = 0


@pytest.mark.parametrize("label", [np.array([1]), [1], np.int64(1), np.array(1)])
def test_a_label_may_be_an_array_of_one(label: Any) -> None:
    net = fitted()
    assert net.explain(X[0], label).value == net.explain(X[0], 1).value


def test_rows_of_frames_are_checked_by_name() -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    frame = pandas.DataFrame(X, columns=["sl", "sw", "pl", "pw"])
    net = fitted(frame)
    wanted = net.explain(frame[:1], 0).value
    assert net.explain(frame.iloc[0], pandas.Series(Y)[:1]).value == wanted
    turned = frame[["pw", "pl", "sw", "sl"]]
    with pytest.raises(ValueError, match="Feature names must be in the same order") as caught:
        net.predict(turned)
    for row in (turned[:1], turned.iloc[0]):
        for view in (net.graph, net.explain, net.deltas):
            with pytest.raises(ValueError, match=re.escape(str(caught.value))):
                view(row, 0)
