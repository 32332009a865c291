"""What `verbose` shows: a bar, or where nobody can see one, scikit-learn's lines."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tinygrad_edu.train.fitting import progress_bar


@contextmanager
def progress(max_iter: int, verbose: bool) -> Iterator[Callable[..., None]]:
    """A function that is told the loss after each iteration, and the validation score if any."""
    with progress_bar(max_iter, verbose) as bar:
        lines = verbose and bar.disable
        iteration = 0

        def tell(loss: float, score: float | None = None) -> None:
            nonlocal iteration
            iteration += 1
            bar.set_postfix(loss=f"{loss:.4f}", refresh=False)
            bar.update()
            if lines:
                print(f"Iteration {iteration}, loss = {loss:.8f}")
                if score is not None:
                    print(f"Validation score: {score:f}")

        yield tell
