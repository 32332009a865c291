"""What Python begins with is what the page begins with: points, net and training."""

from typing import Any

import numpy as np
import pytest
from test_playground_session import SESSIONS, in_node

from tinygrad_edu.playground.parts import parameter_names
from tinygrad_edu.playground.points import points
from tinygrad_edu.playground.settings import LOSSES, Settings, changed
from tinygrad_edu.playground.start import Start

#: The page's own first settings, which differ from those of Python's, and sessions of epochs alone.
FIRST: dict[str, Any] = {"n": 300, "noise": 0.2, "hidden": (8, 8)}
PLAIN = [k for k, (_, *calls) in enumerate(SESSIONS) if [name for name, *_ in calls] == ["step"]]


def start(**settings: Any) -> Start:
    return Start(changed(Settings(), FIRST | settings))


@pytest.mark.parametrize("k", PLAIN)
def test_training_is_that_of_the_page(k: int) -> None:
    settings, (_, epochs) = SESSIONS[k]
    began, found = start(**settings), in_node()[k]
    assert {**found["state"], "own": None} == {
        "own": None,
        **{name: [*x] if isinstance(x, tuple) else x for name, x in vars(began.settings).items()},
    }
    history = began.fit(epochs)
    np.testing.assert_allclose(history.loss, found["losses"], rtol=1e-11)
    np.testing.assert_allclose(history.validation_loss, found["testLosses"], rtol=1e-11)
    parameters = [p.data for p in began.net.module.parameters()]
    np.testing.assert_allclose(parameters, found["parameters"], rtol=1e-11, atol=1e-12)


def test_the_parameters_have_the_names_of_the_page() -> None:
    assert parameter_names([2, 2, 1]) == [
        "w1[1,1]", "w1[1,2]", "b1[1]", "w1[2,1]", "w1[2,2]", "b1[2]", "w2[1,1]", "w2[1,2]", "b2[1]",
    ]  # fmt: skip


def test_the_net_is_written_as_the_page_writes_it() -> None:
    nets = [
        start(hidden=[3]), start(hidden=[]), start(hidden=[3, 2], activations=["relu", "tanh"]),
        start(data="spiral", hidden=[2], dropout=0.5), start(data="sine", hidden=[2]),
        start(loss="half_squared_error", hidden=[2]),
    ]  # fmt: skip
    assert [repr(one.net.module) for one in nets] == [
        "MLP(2, [3, 1], 'tanh', output='linear')",
        "MLP(2, [1], 'relu', output='linear')",
        "MLP(2, [3, 2, 1], ['relu', 'tanh'], output='linear')",
        "Sequential(Layer(2, 2, 'tanh'), Dropout(0.5), Layer(2, 3, 'linear'))",
        "MLP(1, [2, 1], 'tanh', output='linear')",
        "MLP(2, [2, 1], 'tanh', output='sigmoid')",
    ]


@pytest.mark.parametrize("loss", LOSSES)
def test_a_loss_gets_its_targets(loss: str) -> None:
    history = start(loss=loss, hidden=[3], n=40).fit(20)
    assert history.loss[-1] < history.loss[0]
    assert history.accuracy[-1] > 0.7


def test_own_points_train() -> None:
    own = points([[0, 0], [9, 9], [0, 9]], ["a", "<b>", "c"])
    began = Start(Settings(data="own", share=0, hidden=[8]), own)
    assert began.net.sizes == [2, 8, 3]
    assert len(began.fit(2)) == 2


@pytest.mark.parametrize("width", [1, 2])
def test_an_own_function_is_learned_from_its_inputs(width: int) -> None:
    own = points([[k / 6 - 1, 0][:width] for k in range(12)], [(k / 6 - 1) ** 2 for k in range(12)])
    began = Start(Settings(data="own", share=0, hidden=[4], features=["x1", "x2", "x1**2"]), own)
    assert began.net.sizes == [width + 1, 4, 1]
    assert began.settings.features == (("x1", "x1**2") if width == 1 else ("x1", "x2", "x1**2"))
    history = began.fit(60)
    assert history.loss[-1] < 0.2 * history.loss[0]
