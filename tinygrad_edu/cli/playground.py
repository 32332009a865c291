"""The command `playground`: the page of it, written to a file or served to a browser."""

import argparse
import re
import webbrowser
from collections import Counter
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from tinygrad_edu.cli.options import UsageError, command, reason, takes, usage_errors
from tinygrad_edu.text import clean


@command(
    "playground",
    "watch a net learn points of the plane, in a browser",
    takes("data", nargs="?", default="moons", metavar="DATA",
          help="a data set such as spiral, a function such as sine; or a table, FILE.csv, with "
          "two columns of numbers and a class (default: moons)"),
    takes("--columns", metavar="A,B", help="the two columns of the table (default: the first)"),
    takes("--target", metavar="COLUMN", help="its class (default: the last, of three)"),
    takes("-o", "--out", metavar="FILE", help="write the page there, as FILE.html"),
    takes("--no-open", action="store_true", help="only print the address"),
    description="Without -o the page is served to this computer alone, until Ctrl-C.",
)  # fmt: skip
def run(args: argparse.Namespace) -> int:
    """Write the page, or serve it until it is interrupted."""
    from tinygrad_edu.playground import Settings, lesson, points
    from tinygrad_edu.playground.play import Playground, begun
    from tinygrad_edu.playground.settings import SETS

    own, data = None, args.data
    with usage_errors():
        if Path(data).suffix or args.columns or args.target:
            try:
                own, data = points(data, columns=_columns(args)), "own"
            except ValueError as error:
                wanted = "write --columns A,B --target COLUMN"
                raise UsageError(re.sub(r"write columns=.*", wanted, str(error))) from None
        elif data not in SETS:
            names = ", ".join(SETS)
            raise UsageError(f"no data set {data!r:.40}: choose {names}, or name a FILE.csv")
        alone = own is not None and 1 in Counter(own.y).values()  # no class on one side alone
        page = Playground(begun(Settings(), {"data": data, **({"share": 0} if alone else {})}, own))
    if args.out is None:
        return _serve(lesson(link=page.link), opened=not args.no_open)
    try:
        path = page.save(args.out)
    except OSError as error:
        raise UsageError(f"no page was written: {args.out}: {reason(error)}") from None
    print(f"wrote {clean(str(path), 1000)}: open it in a browser")
    return 0


def _columns(args: argparse.Namespace) -> list[str] | None:
    """x1, x2 and the class, or None for those of a table of three."""
    if not (args.columns or args.target):
        return None
    names = [*(args.columns or "").split(","), args.target]
    if len(names) != 3 or not all(names):
        raise UsageError("of a table three columns are named: --columns A,B --target COLUMN")
    return names


def _serve(page: str, *, opened: bool) -> int:
    class Handler(BaseHTTPRequestHandler):
        """Gives the page, and nothing else."""

        def do_GET(self) -> None:
            """Answer."""
            content = page.encode() if self.path.partition("?")[0] == "/" else b""
            self.send_response(200 if content else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Nobody needs to read of it."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        address = f"http://127.0.0.1:{server.server_port}/"
        print(f"the playground is at {address} until Ctrl-C", flush=True)
        if opened:
            webbrowser.open(address)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print("stopped")
    return 0
