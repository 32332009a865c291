"""Blocks: epochs that are made at once give what epochs one by one give."""

import random
from collections.abc import Iterator
from typing import Any

import pytest
from both_engines import CLASSES, X, Y, assert_close, assert_same_history, classifier, data_of

from tinygrad_edu import SGD, Dropout, Layer, Module, Sequential, Value, evaluate, fit, train
from tinygrad_edu.losses import l2
from tinygrad_edu.train import blocks
from tinygrad_edu.train.engines import ArrayDescent

NUMBERS = [float(t) for t in Y]


def dropping() -> Sequential:
    return Sequential(Layer(2, 4, "tanh", rng=1), Dropout(0.5, rng=2), Layer(4, 3, rng=3))


class Bent(Module):
    """A comparison of the user's, which turns out otherwise after some epochs."""

    def __init__(self) -> None:
        self.a = Value(2.0, "a")

    def __call__(self, x: list[Value]) -> Value:
        return self.a * x[0] if self.a > 0.5 else self.a * x[0] * 2


# name: (model, targets, options)
COURSES: dict[str, tuple[Any, list[Any], dict[str, Any]]] = {
    "full batches": (classifier, Y, CLASSES),
    "batches": (classifier, Y, {"batch_size": 4, **CLASSES}),
    "batches of one": (classifier, Y, {"batch_size": 1, **CLASSES}),
    "a generator of one's own": (classifier, Y, {"batch_size": 4, "rng": random.Random, **CLASSES}),
    "one generator for all": (dropping, Y, {"batch_size": 3, "rng": 3, **CLASSES}),
    "targets that are no classes": (
        lambda: Layer(2, 1, "linear", rng=1), [t / 3 for t in NUMBERS],
        {"batch_size": 4, "loss": "squared_error"},
    ),
    "a schedule and a penalty": (
        classifier, Y,
        {
            "optimizer": lambda p: SGD(p, lr=lambda k: 0.5 / (1 + k), momentum=0.9),
            "penalty": lambda model: l2(model.parameters(), 0.01), "batch_size": 4, **CLASSES,
        },
    ),
    "other rows": (
        classifier, Y,
        {"augment": lambda row, rng: [x + rng.random() for x in row], "batch_size": 4, **CLASSES},
    ),
    "a comparison that changes": (Bent, NUMBERS, {"loss": "squared_error"}),
}  # fmt: skip


def runs(name: str, **more: Any) -> Iterator[Any]:
    make, targets, options = COURSES[name]
    model = make()
    options = {"optimizer": lambda p: SGD(p, lr=0.1, momentum=0.5), "epochs": 12, **options, **more}
    if options.get("rng") is random.Random:
        options["rng"] = random.Random(5)
    history = fit(model, X, targets, progress=False, **options)
    yield history
    yield data_of(model)
    yield [p.grad for p in model.parameters()]
    yield options["rng"].random() if isinstance(options.get("rng"), random.Random) else None


@pytest.mark.parametrize("engine", ["auto", "scalar"])
@pytest.mark.parametrize("name", COURSES)
def test_epochs_made_at_once_are_those_that_somebody_looks_at(name: str, engine: str) -> None:
    at_once, one_by_one = (
        list(runs(name, engine=engine, **seen))
        for seen in ({}, {"callbacks": [lambda epoch: None]})
    )
    assert at_once == one_by_one
    assert len(at_once[0]) == 12


@pytest.mark.parametrize("limits", [{"SECONDS": 0.0}, {"MOST": 50}])
def test_a_block_ends_when_time_or_room_is_over(
    limits: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = list(runs("batches"))
    for name, limit in limits.items():
        monkeypatch.setattr(blocks, name, limit)
    sizes, run = [], ArrayDescent.run

    def seen(descent: ArrayDescent, block: blocks.Block, epoch: int) -> None:
        sizes.append(block.most)
        run(descent, block, epoch)

    monkeypatch.setattr(ArrayDescent, "run", seen)
    assert list(runs("batches")) == expected
    assert sizes == list(range(12, 0, -1))


def test_validation_between_epochs_sees_the_parameters_of_each_epoch() -> None:
    model, other = classifier(), classifier()
    options = {"optimizer": "adam", "batch_size": 4, **CLASSES}
    history = fit(model, X, Y, epochs=5, validation=(X[:9], Y[:9]), **options)
    expected = []
    for step in train(other, X, Y, epochs=5, **options):
        if step.batch == 2:
            expected.append(evaluate(other, X[:9], Y[:9], loss="cross_entropy"))
    measured = zip(history.validation_loss, history.validation_accuracy, strict=True)
    assert_close(list(measured), expected, "validation")


def test_epochs_before_a_divergence_stand_in_the_history() -> None:
    histories = []
    for callbacks in ([], [lambda epoch: None]):
        model = Layer(2, 1, "linear", rng=1)
        with pytest.warns(RuntimeWarning, match="diverged in epoch"):
            histories.append(
                fit(
                    model, X, NUMBERS, loss="squared_error", epochs=99, callbacks=callbacks,
                    optimizer=SGD(model.parameters(), lr=1e6), batch_size=4,
                )
            )  # fmt: skip
    assert_same_history(*histories)
    assert len(histories[0]) > 3
