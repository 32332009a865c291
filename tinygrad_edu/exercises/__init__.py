"""The exercises of the notebooks: `check("5.1", answer)` says whether an answer is right.

The first number is that of the notebook. What is said of a wrong answer is a hint, never the
answer. A file per lesson; `EXERCISES` holds them all.
"""

from typing import Any, Final

from tinygrad_edu.checks import one_of
from tinygrad_edu.exercises import (
    backward_pass,
    case_study,
    deltas,
    descent,
    digit_net,
    gates,
    matrices,
    nudging,
    outputs,
    overfitting,
    own_operation,
    saturation,
    shared_weights,
    speakers,
    symmetry,
    units,
    worked_examples,
)
from tinygrad_edu.exercises.exercise import Exercise, Verdict

__all__ = ["EXERCISES", "Exercise", "Verdict", "check"]

#: The exercises by number, such as "5.1".
EXERCISES: Final[dict[str, Exercise]] = {
    **backward_pass.EXERCISES,
    **case_study.EXERCISES,
    **deltas.EXERCISES,
    **descent.EXERCISES,
    **digit_net.EXERCISES,
    **gates.EXERCISES,
    **matrices.EXERCISES,
    **nudging.EXERCISES,
    **outputs.EXERCISES,
    **overfitting.EXERCISES,
    **own_operation.EXERCISES,
    **saturation.EXERCISES,
    **shared_weights.EXERCISES,
    **speakers.EXERCISES,
    **symmetry.EXERCISES,
    **units.EXERCISES,
    **worked_examples.EXERCISES,
}


def check(number: str, answer: Any = ...) -> Verdict:
    """What there is to say of an answer to the exercise of that number.

    `...` is no answer yet: the question is said again. Raises ValueError for an unknown number;
    errors of a function that is the answer are passed on.
    """
    exercise = EXERCISES[one_of("exercise", number, EXERCISES)]
    if answer is ...:
        return Verdict(number, None, f"no answer yet. {exercise.question}")
    if exercise.right(answer):
        return Verdict(number, True, "right.")
    hint = exercise.hint if isinstance(exercise.hint, str) else exercise.hint(answer)
    return Verdict(number, False, f"not yet. Hint: {hint}")
