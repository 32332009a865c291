"""The course: each of its topics has tests that run it and notebooks that show it.

Each slide of the five decks has cells in the companion of its deck: slides.toml says which.
Below stand the statements of the lectures that belong to no single file of the package.
"""

import ast
import json
import random
import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from tinygrad_edu import MLP, SGD, History, Value, best_of, deltas, fit, train, xor
from tinygrad_edu.losses import half_squared_error

TESTS = Path(__file__).parent
NOTEBOOKS = TESTS.parent / "notebooks"


class Topic(NamedTuple):
    """Tests as "file: names", and notebooks by number, each with a word that it must contain."""

    tests: list[str]
    notebooks: dict[int, str]


COURSE = {
    "Perceptron": Topic(
        [
            "perceptron: test_each_form_of_the_rule_goes_the_way_worked_by_hand",
            "perceptron: test_mistakes_on_separable_data_stay_below_the_bound_of_novikoff",
            "perceptron: test_the_boundary_is_a_hyperplane_with_signed_distances",
            "kinds_training: test_a_perceptron_says_of_classes_what_is_known",
        ],
        {4: "Perceptron("},
    ),
    "Boolean functions": Topic(
        [
            "perceptron: test_a_gate_has_the_weights_of_the_lecture_and_its_truth_table",
            "perceptron: test_xnor_and_xor_are_combined_from_gates",
            "train: test_xor_and_three_classes_are_learned",
        ],
        {4: "xnor", 5: "xor"},
    ),
    "Inputs": Topic(
        [
            "data_preprocessing: test_one_hot_gives_the_nucleotides_the_code_of_the_lecture",
            "data_preprocessing: test_thermometer_gives_the_sizes_the_code_of_the_lecture",
            "data_preprocessing: test_centring_takes_the_mean_away",
            "data_preprocessing: test_scaling_maps_the_extremes_to_minus_1_and_1",
            "data_preprocessing: test_standardising_gives_mean_0_and_variance_1",
        ],
        {8: "thermometer"},
    ),
    "Outputs": Topic(
        [
            "nn: test_a_layer_gives_a_list_and_a_net_with_one_output_a_value",
            "nn: test_softmax_is_over_the_units_of_a_layer",
            "losses: test_the_delta_of_a_sigmoid_unit_emerges_from_the_chain_rule",
        ],
        {7: "softmax"},
    ),
    "Activations": Topic(
        [
            "nn: test_every_activation_gives_the_number_of_its_formula",
            "layers: test_the_textbooks_slope_of_every_activation_is_that_of_the_engine",
            "functions: test_tanh_is_a_sigmoid_scaled_and_shifted",
            "functions: test_prelu_is_the_generalised_relu_of_the_lecture",
            "nn: test_the_slope_of_a_prelu_unit_is_learned",
        ],
        {5: "activations", 11: "prelu"},
    ),
    "Losses": Topic(
        [
            "losses: test_value_and_gradient_of_a_loss_are_those_derived_by_hand",
            "losses: test_penalties_have_the_factor_that_they_state",
            "regularize: test_weight_decay_is_the_penalty_of_half_the_squares_under_sgd",
        ],
        {7: "cross_entropy", 12: "l2"},
    ),
    "Delta rules, emerging": Topic(
        [
            "course: test_the_delta_rules_hold_on_random_nets_in_both_conventions",
            "course: test_the_matrix_forms_of_the_delta_rules_hold_on_random_nets",
            "view_deltas: test_the_rule_of_two_outputs_is_named_and_right",
            "view_deltas: test_the_rule_of_one_output_is_named_and_right_in_both_conventions",
            "classics_one_unit_layers: test_the_claims_hold_for_any_depth",
        ],
        {6: "-dE/dnet"},
    ),
    "Descent": Topic(
        [
            "train: test_two_steps_of_descent_by_hand",
            "course: test_batch_online_and_mini_batch_descent_agree_where_they_must",
            "course: test_the_variants_of_descent_differ_where_they_should",
            "train: test_early_stopping_waits_and_restores_the_best_epoch",
        ],
        {9: "momentum"},
    ),
    "Initialisation": Topic(
        [
            "course: test_units_that_start_at_zero_never_separate_and_random_ones_do",
            "nn: test_an_initialiser_draws_with_the_variance_of_its_formula",
        ],
        {10: "zeros"},
    ),
    "Non-convexity": Topic(
        [
            "course: test_restarts_find_what_one_start_does_not",
            "course: test_the_best_of_five_starts_learns_xor_where_others_are_stuck",
        ],
        {9: "best_of"},
    ),
    "Regularisation": Topic(
        [
            "regularize: test_dropout_leaves_out_or_scales_and_the_expectation_stays",
            "regularize: test_batch_normalisation_gives_the_numbers_of_pytorch",
            "regularize: test_the_norm_of_weights_is_bounded_after_each_step_or_epoch",
            "regularize: test_pretraining_trains_each_hidden_layer_as_an_encoder_of_its_inputs",
            "train: test_rows_are_changed_anew_in_every_step_on_both_engines",
            "kinds_training: test_early_stopping_restores_the_best_epoch_however_training_ends",
        ],
        {12: "Dropout("},
    ),
    "Case study": Topic(
        [
            "classics: test_every_classic_has_its_published_numbers",
            "classics_spiral: test_the_linear_classifier_of_the_spiral_ends_at_0_79_and_49_percent",
            "classics_spiral: test_the_gradients_by_hand_are_central_differences_of_the_loss",
        ],
        {13: "spiral"},
    ),
    "Vowels": Topic(
        [
            "classics: test_every_classic_has_its_published_numbers",
            "data_sets: test_vowels_have_the_mean_formants_of_the_paper",
            "classics: test_the_decision_regions_of_the_vowels_are_drawn_in_ten_colours",
        ],
        {15: "vowels"},
    ),
    "Digits": Topic(
        [
            "data_sets: test_digits_are_learned_to_96_percent_of_a_test_set",
            "convolution: test_digits_are_learned_to_97_percent_by_a_small_convolution",
        ],
        {14: "digits"},
    ),
    "Beyond feed-forward": Topic(
        [
            "convolution: test_a_convolution_is_that_of_pytorch_forward_and_backward",
            "sequences: test_a_net_is_that_of_pytorch_forward_and_backward",
            "sequences: test_addition_learned_on_7_bits_holds_for_30",
            "sequences: test_the_next_letter_of_new_names_is_foretold_better_than_by_its_frequency",
            "sequences: test_attention_is_that_of_pytorch_forward_and_backward",
            "vectorize_attention: test_a_step_of_a_gpt_gives_what_numpy_by_hand_gives",
        ],
        {17: "RNN(", 20: "class GPT(Module)"},
    ),
}


@cache
def names_in(name: str) -> set[str]:
    tree = ast.parse((TESTS / f"test_{name}.py").read_text())
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@cache
def text_of(number: int) -> str:
    (path,) = NOTEBOOKS.glob(f"{number:02}_*.ipynb")
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells)


@pytest.mark.parametrize("name", COURSE)
def test_a_topic_of_the_course_has_tests_and_notebooks(name: str) -> None:
    topic = COURSE[name]
    assert topic.tests
    assert topic.notebooks
    for line in topic.tests:
        file, test = line.split(": ")
        assert test in names_in(file), line
    for number, word in topic.notebooks.items():
        assert word in text_of(number), f"notebook {number} says nothing of {word!r}"


#: Each claim of each slide of the five decks, and where it runs.
SLIDES: dict[str, dict[str, list[dict[str, str]]]] = tomllib.loads(
    (TESTS / "slides.toml").read_text("utf-8")
)
#: The section of a companion that collects what an experiment decided against the deck.
ERRATA = "Where the deck needs a correction"

each_deck = pytest.mark.parametrize("deck", SLIDES)


def shown(cell: dict[str, Any]) -> str:
    """What a cell printed, or the texts of what it shows."""
    texts = [o.get("text", o.get("data", {}).get("text/plain", "")) for o in cell["outputs"]]
    return "\n".join("".join(text) for text in texts)


@cache
def companion(deck: str) -> list[dict[str, Any]]:
    """The cells of the companion of a deck."""
    (path,) = NOTEBOOKS.glob(f"{deck}_*.ipynb")
    cells: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return cells


def sections(deck: str) -> dict[str, list[dict[str, Any]]]:
    """The code cells of a companion, by the heading they stand under."""
    found: dict[str, list[dict[str, Any]]] = {}
    for cell in companion(deck):
        if cell["cell_type"] == "code":
            found[list(found)[-1]].append(cell)
        else:
            lines = "".join(cell["source"]).splitlines()
            found |= {line[3:]: [] for line in lines if line.startswith("## ")}
    return found


@each_deck
def test_a_companion_walks_its_deck_slide_by_slide(deck: str) -> None:
    opening = "".join(companion(deck)[0]["source"])
    assert opening.startswith(f"# Deck {deck}: ")
    for part in ("**You will see**", "**You can change**", "\nBefore: lessons ", " | here |"):
        assert part in opening, part
    assert list(sections(deck)) == [*SLIDES[deck], ERRATA]


@each_deck
def test_each_claim_of_a_slide_runs_in_a_cell_of_its_companion(deck: str) -> None:
    cells = sections(deck)
    for slide, rows in SLIDES[deck].items():
        assert rows, slide
        for row in rows:
            assert row["verdict"] == "fully", row
            assert any(
                row["code"] in "".join(cell["source"]) and row.get("shows", "") in shown(cell)
                for cell in cells[slide]
            ), row


@each_deck
def test_a_correction_of_a_deck_names_its_slides_and_the_line_that_decides(deck: str) -> None:
    cells = companion(deck)
    code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    table = "".join(cells[-1]["source"]).split("| --- |")[-1].splitlines()[1:]
    assert table
    for named, *_, lines in (row.strip("| ").split(" | ") for row in table):
        assert {*named.split("; ")} <= SLIDES[deck].keys()
        for line in re.findall("`(.*?)`", lines):
            assert all(part in code for part in line.split("...")), line


def random_case(seed: int, loss: str) -> tuple[MLP, list[float], list[float]]:
    """A net, an example and targets in (0, 1), as cross entropy wants them."""
    rng = random.Random(seed)
    sizes = [rng.randint(1, 4), [rng.randint(1, 5) for _ in range(rng.randint(1, 3))]]
    outputs = 1 if loss == "binary_cross_entropy" else rng.randint(1, 4)
    activation = rng.choice(["sigmoid", "tanh", "softplus", "linear"])
    output = "sigmoid" if loss == "binary_cross_entropy" else "linear"
    model = MLP(sizes[0], [*sizes[1], outputs], activation, output, init="normal", rng=rng)
    x = [rng.uniform(-1, 1) for _ in range(sizes[0])]
    return model, x, [rng.uniform(0.1, 0.9) for _ in range(outputs)]


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("loss", ["squared_error", "half_squared_error", "binary_cross_entropy"])
@pytest.mark.parametrize(("convention", "sign"), [("dL/dz", 1.0), ("-dE/dnet", -1.0)])
def test_the_delta_rules_hold_on_random_nets_in_both_conventions(
    seed: int, loss: str, convention: str, sign: float
) -> None:
    model, x, y = random_case(seed, loss)
    table = deltas(model, x, y, loss, convention)
    assert table.largest_difference < 1e-12
    assert any(abs(row.delta) > 1e-3 for row in table.rows)
    usual = deltas(model, x, y, loss)
    assert [row.delta for row in table.rows] == [sign * row.delta for row in usual.rows]


@pytest.mark.parametrize("seed", range(8))
def test_the_matrix_forms_of_the_delta_rules_hold_on_random_nets(seed: int) -> None:
    """delta_l = (W^T delta_{l+1}) * g'(z_l), dL/dW = delta a^T, dL/db = delta, in plain NumPy."""
    model, x, y = random_case(seed, "half_squared_error")
    sigmoid = MLP(model.sizes[0], model.sizes[1:], "sigmoid", "linear", init="normal", rng=seed)
    half_squared_error(sigmoid(x), y).backward()
    W = [np.array([[w.data for w in n.w] for n in layer.neurons]) for layer in sigmoid.layers]
    b = [np.array([n.b.data for n in layer.neurons]) for layer in sigmoid.layers]
    a = [np.array(x)]
    for w, bias in zip(W[:-1], b[:-1], strict=True):
        a.append(1 / (1 + np.exp(-(w @ a[-1] + bias))))
    delta = W[-1] @ a[-1] + b[-1] - np.array(y)
    for k in reversed(range(len(W))):
        neurons = sigmoid.layers[k].neurons
        dW = [[w.grad for w in n.w] for n in neurons]
        np.testing.assert_allclose(dW, np.outer(delta, a[k]), rtol=1e-12, atol=1e-15)
        np.testing.assert_allclose([n.b.grad for n in neurons], delta, rtol=1e-12, atol=1e-15)
        delta = (W[k].T @ delta) * a[k] * (1 - a[k])


ROWS = [[0.5, -1.0], [-1.5, 0.25], [2.0, 1.0], [0.0, -0.5], [1.0, 1.5], [-0.75, 2.0]]
TARGETS = [0.3, -0.2, 0.9, 0.1, -0.6, 0.4]


def trained(batch_size: int | None, epochs: int, lr: float = 0.1) -> MLP:
    model = MLP(2, [3, 1], "tanh", rng=4)
    fit(
        model, ROWS, TARGETS, loss="half_squared_error", optimizer=SGD(model.parameters(), lr=lr),
        epochs=epochs, batch_size=batch_size, rng=1, progress=False,
    )  # fmt: skip
    return model


def numbers(model: MLP) -> list[float]:
    return list(model.state_dict().values())


@pytest.mark.slow
def test_batch_online_and_mini_batch_descent_agree_where_they_must() -> None:
    n = len(ROWS)
    assert numbers(trained(n, 5)) == pytest.approx(numbers(trained(None, 5)), rel=1e-12)
    # a step of batch descent is that of the mean gradient Delta / N
    start = MLP(2, [3, 1], "tanh", rng=4)
    Delta = [0.0] * len(start.parameters())
    for x, y in zip(ROWS, TARGETS, strict=True):
        start.zero_grad()
        half_squared_error(start(x), y).backward()
        Delta = [d + p.grad for d, p in zip(Delta, start.parameters(), strict=True)]
    expected = [p.data - 0.1 * d / n for p, d in zip(start.parameters(), Delta, strict=True)]
    assert numbers(trained(None, 1)) == pytest.approx(expected, rel=1e-12)
    # with a tiny learning rate an epoch of n online steps is n steps of batch descent
    tiny = 1e-7
    moved = [
        [(p - q) / tiny for p, q in zip(numbers(trained(size, epochs, tiny)), numbers(start))]  # noqa: B905
        for size, epochs in ((1, 1), (2, 2), (None, n))
    ]
    assert moved[0] == pytest.approx(moved[2], abs=1e-4)
    assert moved[1] == pytest.approx(moved[2], abs=1e-4)


def test_the_variants_of_descent_differ_where_they_should() -> None:
    batch, mini, online = (numbers(trained(size, 3)) for size in (None, 2, 1))
    for one, other in ((batch, mini), (mini, online), (batch, online)):
        assert max(abs(p - q) for p, q in zip(one, other, strict=True)) > 1e-3
    model = MLP(2, [3, 1], "tanh", rng=4)
    options = {"loss": "half_squared_error", "optimizer": "sgd", "epochs": 1}
    steps = [len(list(train(model, ROWS, TARGETS, batch_size=k, **options))) for k in (None, 2, 1)]
    assert steps == [1, 3, 6]


def spread(model: MLP) -> float:
    """How far the weights of the hidden units are apart."""
    units = [[p.data for p in [*n.w, n.b]] for n in model.layers[0].neurons]
    return max(abs(p - q) for unit in units for p, q in zip(unit, units[0], strict=True))


@pytest.mark.slow
def test_units_that_start_at_zero_never_separate_and_random_ones_do() -> None:
    data = xor()
    for init, apart in (("zeros", False), (lambda rng, nin, nout: 0.5, False), ("normal", True)):
        model = MLP(2, [4, 1], "sigmoid", "sigmoid", init=init, rng=0)
        if init == "zeros":
            hidden = [model.layers[0](x) for x in data.X]
            assert {v.data for row in hidden for v in row} == {0.5}
            assert len({model(x).data for x in data.X}) == 1
        for _ in train(
            model, data.X, data.y, loss="binary_cross_entropy",
            optimizer=SGD(model.parameters(), lr=1.0), epochs=100, batch_size=1,
        ):  # fmt: skip
            assert apart or spread(model) == 0
        assert (spread(model) > 0.1) == apart
        assert any(abs(p) > 0.01 for p in numbers(model))


def test_restarts_find_what_one_start_does_not() -> None:
    """A function with two minima: x^4 - 2 x^2 + x/2, the left one lower."""

    def loss(x: Value) -> Value:
        return x**4 - 2 * x**2 + 0.5 * x

    ends = []
    for start in (1.5, -1.5):
        x = Value(start)
        optimizer = SGD([x], lr=0.05)
        for _ in range(200):
            optimizer.zero_grad()
            loss(x).backward()
            optimizer.step()
        ends.append(x.data)
    # the roots of 4 x^3 - 4 x + 1/2 on either side
    assert ends == pytest.approx([0.9305, -1.0575], abs=1e-4)
    assert loss(Value(ends[1])).data < loss(Value(ends[0])).data - 0.9


@pytest.mark.slow
def test_the_best_of_five_starts_learns_xor_where_others_are_stuck() -> None:
    data = xor()

    def run(rng: random.Random) -> tuple[MLP, History]:
        model = MLP(2, [2, 1], "sigmoid", "sigmoid", init="normal", rng=rng)
        history = fit(
            model, data.X, data.y, loss="half_squared_error", epochs=400, progress=False,
            optimizer=SGD(model.parameters(), lr=4.0, momentum=0.8),
        )  # fmt: skip
        return model, history

    best = best_of(run, 5, rng=1)
    ends = [history.loss[-1] for history in best.histories]
    assert min(ends) == best.history.loss[-1] < 0.001
    # the local minimum of Rumelhart, Hinton and Williams: two of the four rows are answered by 1/2,
    # which leaves a mean of 2 * 1/2 (1/2)^2 / 4
    assert max(ends) == pytest.approx(1 / 16, abs=1e-3)
    assert [round(best.model(x).data) for x in data.X] == data.y
