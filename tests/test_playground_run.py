"""A run: what a playground does without its widgets."""

from typing import Any

import numpy as np
import pytest
from refusals import refusals

from tinygrad_edu import DivergenceError
from tinygrad_edu.playground import Run, Settings, panels, points
from tinygrad_edu.playground.run import Measured, code
from tinygrad_edu.playground.settings import LOSSES

SMALL: dict[str, Any] = {"n": 30, "hidden": (3,)}


def small(**settings: Any) -> Run:
    return Run(Settings(**(SMALL | settings)))


def test_training_lowers_the_loss_and_is_the_same_every_time() -> None:
    one, two = small(), small()
    for run in (one, two):
        run.train(30)
        run.measure()
    assert one.losses == two.losses
    assert [m.epoch for m in one.losses] == [0, 30]
    assert one.losses[1].loss < 0.8 * one.losses[0].loss


def test_reset_gives_the_same_initial_weights() -> None:
    run = small()
    before, start = run.model.state_dict(), run.losses[0]
    run.train(3)
    assert run.model.state_dict() != before
    run.reset()
    assert run.model.state_dict() == before
    assert (run.epoch, run.losses) == (0, [start])


def test_a_learning_rate_changes_while_training_goes_on() -> None:
    run = small()
    run.train(2)
    before = run.model.state_dict()
    run.change(lr=0.5)
    assert (run.epoch, run.model.state_dict()) == (2, before)
    run.change(activation="relu")
    assert run.epoch == 0


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"data": "blobs", "loss": "half_squared_error", "batch_size": None, "penalty": "l2"},
        {"data": "xor", "loss": "hinge", "features": ["x1*x2", "sin(pi*x1)"], "test_share": 0},
        {"data": "circles", "loss": "half_squared_error", "penalty": "l1", "hidden": []},
    ],
)
def test_the_code_gives_the_state_again(settings: dict[str, Any]) -> None:
    run = small(**settings)
    run.train(2)
    run.change(lr=0.3, batch_size=7)
    run.set_weight("layer1.neuron1.w[0]", 0.5)
    run.set_weight("layer1.neuron1.w[0]", 0.25)
    run.train()
    names: dict[str, Any] = {}
    exec(code(run), names)
    assert names["model"].state_dict() == run.model.state_dict()


def test_the_code_is_three_lines_and_imports() -> None:
    run = small()
    run.train(4)
    assert code(run).splitlines() == [
        "from tinygrad_edu import MLP, SGD, fit, moons, train_test_split",
        "X_train, y_train, X_test, y_test = train_test_split(*moons(30, noise=0.2, rng=0), "
        "test_size=0.3, rng=0)",
        'model = MLP(2, [3, 1], "tanh", rng=0)',
        'fit(model, X_train, y_train, loss="binary_cross_entropy_with_logits", '
        "optimizer=SGD(model.parameters(), lr=0.1), epochs=4, batch_size=10, rng=0)",
    ]


def test_a_change_that_was_not_trained_with_is_no_line_of_the_code() -> None:
    run = small()
    assert code(run).count("fit(") == 1
    run.train()
    run.change(lr=0.3)
    assert code(run).count("fit(") == 1


def test_large_losses_are_short() -> None:
    assert panels.numbers(Measured(3, 2.5e300, 0.5, None, None)) == (
        "epoch 3: training loss 2.5e+300 (50% right)"
    )


test_what_cannot_be_trained_is_refused = refusals(
    [
        (lambda: Run(Settings(data="own"), points([[0, 0], [1, 1], [2, 0]], [0, 0, 1])), ValueError,
         "class 1 has 1 row, so it cannot be on both sides; add points or choose test_share=0"),
        (lambda: small(loss="hinge").change(data="spiral"), ValueError,
         "the loss hinge is for 2 classes and this data has 3: "
         f"choose {', '.join(name for name in LOSSES if name != 'hinge')}"),
        (lambda: small().change(data="own"), ValueError,
         'data="own" needs points: write playground(X, y)'),
    ]
)  # fmt: skip


@pytest.mark.parametrize("epochs", [0, 4])
def test_divergence_is_told_in_epochs_and_its_code_gives_the_same_weights(epochs: int) -> None:
    run = small(data="blobs", loss="cross_entropy", activation="linear", hidden=(3, 3))
    run.train(epochs)
    run.change(lr=1e200)
    with pytest.raises(DivergenceError) as caught:
        run.train(5)
    assert str(caught.value).startswith(f"diverged in epoch {run.epoch}: ")
    assert run.epoch > epochs
    names: dict[str, Any] = {}
    with pytest.warns(RuntimeWarning, match="diverged|finite"):
        exec(code(run), names)
    assert names["model"].state_dict() == run.model.state_dict()


def test_a_setting_that_does_not_fit_leaves_the_run_as_it_was() -> None:
    run = small(loss="hinge")
    run.train(2)
    before = (run.settings, run.model.state_dict(), run.epoch)
    for data in ("spiral", "own"):
        with pytest.raises(ValueError, match=r"hinge|own"):
            run.change(data=data)
        assert (run.settings, run.model.state_dict(), run.epoch) == before


@pytest.mark.parametrize("loss", LOSSES)
def test_the_plane_shows_the_classes_that_the_model_gives(loss: str) -> None:
    run = small(loss=loss)
    run.train(3)
    plane = panels.Plane(run)
    hidden, out = plane.activations()
    assert (hidden.shape, out.shape) == ((60, 60, 3), (60, 60, 1))
    left, _, bottom, top = plane.extent
    assert out[0, 0, 0] == pytest.approx(run.model([left, top]).data)
    assert out[-1, 0, 0] == pytest.approx(run.model([left, bottom]).data)
    tied = 0.5 if loss == "half_squared_error" else 0.0
    red, _, blue = np.moveaxis(plane.regions([hidden, out]), -1, 0)
    assert ((red > blue) == (out[..., 0] <= tied)).all()  # class 0 is orange, class 1 blue


def test_the_square_holds_the_points_in_its_middle() -> None:
    # 0..4 with a margin of 0.12 * 4 either side; the other axis is as long about its middle 1
    found = panels.square(np.array([[0.0, 0.0], [4.0, 2.0]]))
    assert found == pytest.approx((-0.48, 4.48, -1.48, 3.48))


def test_heat_is_white_at_zero_and_full_at_the_largest() -> None:
    blue, white, dead = (panels.heat(np.array(a)) for a in ([2.0, 0.0], [0.0], [np.nan]))
    assert blue[0] == pytest.approx([0, 0x72 / 255, 0xB2 / 255])
    assert white.tolist() == dead.tolist() == [[1, 1, 1]]
    assert panels.png(np.ones((2, 2, 3))).startswith(b"\x89PNG")


def test_accuracies_count_the_points() -> None:
    run = small(test_share=0.5)
    run.train(5)
    measured = run.measure()
    for part, share in ((run.training, measured.accuracy), (run.test, measured.test_accuracy)):
        assert part is not None
        right = [(run.model(x).data > 0) == c for x, c in zip(part.rows, part.y, strict=True)]
        assert share == sum(right) / len(right)


def test_own_points_train() -> None:
    run = Run(
        Settings(data="own", test_share=0), points([[0, 0], [9, 9], [0, 9]], ["a", "<b>", "c"])
    )
    run.train()
    assert run.model.sizes == [2, 8, 8, 3]
    assert "&lt;b&gt;" in panels.key(run)
    assert code(run).splitlines()[1:3] == [
        "from tinygrad_edu.playground import points",
        "X_train, y_train = points(X, y)",
    ]


def test_every_panel_is_a_text() -> None:
    run = small()
    run.train()
    run.measure()
    plane = panels.Plane(run)
    assert panels.points_over(run, plane.extent, 0).count("<circle") == 30 + 1
    assert panels.maps(plane.activations()).count("<img") == 1  # not the single output
    assert panels.curve(run.losses).count("<polyline") == 2
    assert "delta" not in panels.net(run, 0, with_example=False)
    assert "delta" in panels.net(run, 0, with_example=True)
    assert "largest difference" in panels.example_deltas(run, 0)
    assert panels.example_line(run, 0).endswith("after epoch 1")
    assert panels.numbers(run.losses[-1]).startswith("epoch 1: training loss ")


def test_the_graph_of_an_example_leaves_gradients_alone() -> None:
    run = small(hidden=())
    run.train()
    before = [p.grad for p in run.model.parameters()]
    assert "<svg" in panels.example_graph(run, 0)
    assert [p.grad for p in run.model.parameters()] == before
