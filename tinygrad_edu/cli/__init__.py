"""The command line: `tinygrad-edu` and `python -m tinygrad_edu`."""

import argparse
import codecs
import io
import os
import re
import signal
import sys
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from importlib import import_module
from typing import Any, Final, NoReturn

from tinygrad_edu.cli.options import ADD, ASKED, UsageError, reason, tell, version_of
from tinygrad_edu.text import clean

#: The module of each command, in the order of the help.
COMMANDS: Final = {
    "demo": "nets", "train": "nets", "predict": "predict", "draw": "draw", "playground": "lessons",
    "classics": "lessons", "course": "lessons", "diagnose": "lessons", "bench": "bench",
    "doctor": "doctor",
}  # fmt: skip


class Parser(argparse.ArgumentParser):
    """A parser that guesses what was meant: a command, the value of an option, or an option."""

    words: Sequence[str] = ()

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As in the standard library, but what no command knows is refused by that command."""
        self.words = args or ()
        namespace, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return namespace, unknown

    def _print_message(self, message: str, file: Any = None) -> None:
        """As in the standard library, which keeps to itself that help could not be printed."""
        print(message, end="", file=file or sys.stderr)

    def error(self, message: str) -> NoReturn:
        """Print usage and error, and leave with code 2."""
        choice = re.search(r"invalid choice: '(.*)' \(choose from (.*)\)", message)
        known = re.findall(r"--[\w-]+", self.format_help())
        near: list[str] = []
        if choice:
            known = [*re.findall(r"[\w-]+", choice[2]), "--help", "--version"]
            near = get_close_matches(choice[1], known, n=1)
        elif "argument" in message:  # one is unknown, or missing because it was misspelt
            flags = [word.partition("=")[0] for word in self.words if re.match("-+[A-Za-z]", word)]
            strange = [flag for flag in flags if not any(name.startswith(flag) for name in known)]
            near = get_close_matches(strange[0], known, n=1) if strange else []
        super().error(clean(message, 4000) + "".join(f"; did you mean {name!r}?" for name in near))


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code.

    0 is success, 1 a failure, 2 wrong input; 128 and the number of a signal if that ended it.
    """
    code, words = 0, sys.argv[1:] if argv is None else argv
    with _process() as lost:
        try:
            try:
                code = _run(words)
            finally:  # after --help too, which ends in SystemExit
                if sys.stdout is not None:
                    sys.stdout.flush()
        except BrokenPipeError:  # nobody reads on, as in `| head`
            code = 141
        except UsageError as error:
            tell(str(error))
            code = 2
        except KeyboardInterrupt:
            tell("interrupted")
            code = 130
        except (OSError, MemoryError) as error:
            where = getattr(error, "filename", None)
            tell(f"{where!r}: {reason(error)}" if where else str(reason(error)) or "out of memory")
            code = 1
        if lost:
            tell(
                f"the encoding of the output, {sys.stdout.encoding}, lacks "
                f"{', '.join(sorted(lost)[:8])}: written as escapes; set PYTHONIOENCODING=utf-8"
            )
        code = _ended(code)
        return 128 + ASKED[0] if ASKED else code


def _run(words: Sequence[str]) -> int:
    parser = Parser(
        prog="tinygrad-edu",
        description="See backpropagation: train small nets on real data, draw computation graphs.",
    )
    version = version_of("tinygrad-edu") or "(not installed, run from its folder)"
    parser.add_argument("--version", action="version", version=f"tinygrad-edu {version}")
    choices = parser.add_subparsers(title="commands", metavar="COMMAND")
    for name in [name for name in words[:1] if name in COMMANDS] or COMMANDS:
        # of one command alone: doctor runs where others cannot
        import_module(f"{__name__}.{COMMANDS[name]}")
        ADD[name](choices)
    args = parser.parse_args(words)
    if "run" not in args:
        parser.print_help()
        return 0
    return int(args.run(args))


@contextmanager
def _process() -> Iterator[set[str]]:
    """What holds while a command runs.

    The signals that ask it to end come as Ctrl-C does, and stand in ASKED. Pictures need no screen,
    whatever backend the environment names. A letter that the output lacks is escaped, and listed.
    What the package warns of is a sentence too.
    """
    ASKED.clear()
    lost: set[str] = set()

    def interrupt(number: int, _: object) -> None:
        ASKED.append(number)
        raise KeyboardInterrupt

    def escape(error: UnicodeError) -> tuple[str | bytes, int]:
        if isinstance(error, UnicodeEncodeError):
            lost.update(map(ascii, error.object[error.start : error.end]))
        return codecs.backslashreplace_errors(error)

    codecs.register_error("escape and tell", escape)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="escape and tell")
    ends = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    in_main = threading.current_thread() is threading.main_thread()
    mine = [n for n in ends if in_main and signal.getsignal(n) is signal.SIG_DFL]
    backend = os.environ.get("MPLBACKEND")
    os.environ["MPLBACKEND"] = "agg"
    for number in mine:
        signal.signal(number, interrupt)
    plain = warnings.showwarning

    def show(message: Any, category: Any, *where: Any, **more: Any) -> None:
        if category is UserWarning:  # of the package
            tell(str(message))
        else:
            plain(message, category, *where, **more)

    try:
        with warnings.catch_warnings():
            warnings.showwarning = show
            yield lost
    finally:
        for number in mine:
            signal.signal(number, signal.SIG_DFL)
        del os.environ["MPLBACKEND"]
        os.environ.update({} if backend is None else {"MPLBACKEND": backend})


def _ended(code: int) -> int:
    """The exit code where standard output is closed or full; nothing more is said of it then."""
    if sys.stdout is None:
        tell("standard output is closed: nothing was printed")
        return code or 1
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return code
