"""Learning-rate schedules: their formulas by hand, and bad options."""

import math

import pytest
from refusals import refusals

from tinygrad_edu.optim import cosine_decay, exponential_decay, linear_decay, step_decay

BY_HAND = [
    (linear_decay(1.0, 0.1, 100), {0: 1.0, 10: 0.91, 50: 0.55, 100: 0.1, 1000: 0.1}),
    (linear_decay(0.1, 0.5, 4), {0: 0.1, 1: 0.2, 4: 0.5, 5: 0.5}),  # a warm-up
    (linear_decay(1.0, 0.0, 2), {0: 1.0, 1: 0.5, 2: 0.0, 9: 0.0}),
    (step_decay(1.0, 10), {0: 1.0, 9: 1.0, 10: 0.1, 19: 0.1, 20: 0.01}),
    (step_decay(0.8, 1, 0.5), {0: 0.8, 1: 0.4, 3: 0.1}),
    (exponential_decay(0.5, 0.9), {0: 0.5, 1: 0.45, 2: 0.405, 100_000: 0.0}),
    (cosine_decay(1.0, 60), {0: 1.0, 20: 0.75, 30: 0.5, 40: 0.25, 60: 0.0, 600: 0.0}),
    (cosine_decay(1.0, 60, 0.2), {0: 1.0, 30: 0.6, 60: 0.2, 61: 0.2}),
]


@pytest.mark.parametrize(("schedule", "rates"), BY_HAND)
def test_a_schedule_gives_the_rates_of_its_formula(schedule, rates):
    assert {k: schedule(k) for k in rates} == pytest.approx(rates, rel=1e-13, abs=1e-16)


BAD = [
    (lambda: linear_decay(0, 1, 10), ValueError, "start must be a finite number > 0, got 0.0"),
    (lambda: linear_decay(1, -1, 10), ValueError, "end must be a finite number >= 0, got -1.0"),
    (lambda: linear_decay(1, 0, 0), ValueError, "steps must be an int of at least 1, got 0"),
    (lambda: linear_decay(1, 0, 1.5), TypeError,
     "steps must be an int of at least 1, got float 1.5"),
    (lambda: step_decay(math.nan, 5), ValueError, "start must be a finite number > 0, got nan"),
    (lambda: step_decay(1, 0), ValueError, "every must be an int of at least 1, got 0"),
    (lambda: step_decay(1, 5, 0), ValueError, "factor must be a finite number > 0, got 0.0"),
    (lambda: exponential_decay(1, math.inf), ValueError,
     "factor must be a finite number > 0, got inf"),
    (lambda: exponential_decay("1", 0.9), TypeError,
     "start must be a finite number > 0, got str '1'"),
    (lambda: cosine_decay(-1, 5), ValueError, "start must be a finite number > 0, got -1.0"),
    (lambda: cosine_decay(1, -5), ValueError, "steps must be an int of at least 1, got -5"),
    (lambda: cosine_decay(1, 5, True), TypeError,
     "end must be a finite number >= 0, got bool True"),
]  # fmt: skip


test_a_bad_option_is_refused_with_a_clear_text = refusals(BAD)
