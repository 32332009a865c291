"""The demo `digits-conv`: a small convolutional net on the handwritten digits."""

import random
from typing import Final

from tinygrad_edu.cli.folder import PARAMETERS_ONLY, make_folder, write_files, write_parameters
from tinygrad_edu.cli.options import Settings, usage_errors
from tinygrad_edu.cli.output import confusion_matrix, png_of
from tinygrad_edu.cli.problem import from_dataset
from tinygrad_edu.cli.training import (
    course,
    facts,
    finish,
    fitted,
    measured,
    print_results,
    trained,
)
from tinygrad_edu.data import digits
from tinygrad_edu.nn import Layer, Sequential
from tinygrad_edu.nn.convolution import Conv2d, Flatten, MaxPool2d, Unflatten
from tinygrad_edu.train import predict
from tinygrad_edu.train.metrics import argmax
from tinygrad_edu.view.base.report import Picture, report

DEFAULT: Final = Settings(
    (), "relu", 0.02, 20, 128, loss="cross_entropy",
    takes=("activation", "optimizer", "lr", "epochs", "batch_size", "seed", "test_ratio"),
)  # fmt: skip
_LOSS: Final = "cross_entropy"
_SHAPES: Final = "1 x 8 x 8 -> 8 kernels of 3 x 3 -> 8 x 8 x 8 -> largest of 2 x 2 -> 128 -> 10"


def run(settings: Settings, rng: random.Random) -> int:
    """Train, print what came of it and write the report; exit codes as `run_training`."""
    with usage_errors():
        problem = from_dataset(digits(), settings.test_ratio, rng, unit=16.0)
        kernels = Conv2d(1, 8, 3, padding=1, activation=settings.activation, rng=rng)
        model = Sequential(
            Unflatten(1, 8, 8), kernels, MaxPool2d(2), Flatten(), Layer(128, 10, "linear", rng=rng)
        )
    settings = fitted(settings, len(problem.X))
    make_folder(settings.out)
    history = trained(
        [*problem.announcement(), f"net {_SHAPES}",
         f"{settings.activation}, {len(model.parameters()):,} parameters"],
        model, (problem.X, problem.y), loss=_LOSS, settings=settings, rng=rng,
        validation=(problem.X_test, problem.y_test) if problem.y_test else None,
    )  # fmt: skip
    saved = write_parameters(model, settings.out)
    outputs, n = predict(model, [*problem.X, *problem.X_test]), len(problem.X)
    parts = [("training", outputs[:n], problem.y)]
    if problem.y_test:
        parts.append(("test", outputs[n:], problem.y_test))
    results = [("", "rows", "loss", "accuracy")]
    for kind, part, y in parts:  # the last of them is shown
        given = [argmax(o) for o in part]
        right = [c == t for c, t in zip(given, y, strict=True)]
        results.append(measured(kind, _LOSS, part, y, right))
    print_results(results)
    from tinygrad_edu.view.pictures import weights

    drawn = weights(kernels, height=3, width=3)
    pictures = [
        ("confusion.png", confusion_matrix(y, given, problem.encoder.class_names, kind)),
        ("loss.png", course(history)),
        ("kernels.png", Picture("The kernels", _CAPTION, png_of(drawn))),
    ]
    page = report(
        "tinygrad_edu: digits-conv",
        f"A convolutional net reads handwritten digits: {results[-1][-1]} of the {kind} rows are "
        "right.",
        results=results,
        settings={
            "net": f"{_SHAPES.replace('->', '→')}, {settings.activation}",
            **facts(model, settings, history),
        },
        pictures=[picture for _, picture in pictures],
        command=settings.typed(["demo", "digits-conv"]),
    )
    written = [saved, *write_files(settings.out, pictures, page)]
    return finish(settings, history, [PARAMETERS_ONLY], written)


_CAPTION: Final = (
    "The 3 x 3 weights of each kernel, which slides over the image: red where it looks for ink, "
    "blue where for paper, white is 0."
)
