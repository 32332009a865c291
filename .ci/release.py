"""Everything that a release uploads, into a folder: `python .ci/release.py dist`.

An sdist, a pure wheel, and a wheel with the machine for each platform, compiled here by zig's C
compiler (`pip install -e '.[release]'`). Nothing is linked to the machine but itself, so that one
wheel serves every Linux. `--only NAME` makes the wheel of one platform alone.
"""

import argparse
import os
import runpy
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
GLIBC, MUSL = "manylinux_2_17", "musllinux_1_1"
LINUX = "-Wl,-z,defs"  # a name that is defined nowhere is an error: elsewhere it is one anyway
#: A platform -> the tag of its wheel, what zig calls it, and how it is linked.
PLATFORMS = {
    "linux-x86_64": (f"{GLIBC}_x86_64.{MUSL}_x86_64", "x86_64-linux-gnu.2.17", LINUX),
    "linux-aarch64": (f"{GLIBC}_aarch64.{MUSL}_aarch64", "aarch64-linux-gnu.2.17", LINUX),
    "macos-arm64": ("macosx_11_0_arm64", "aarch64-macos.11.0", ""),
    "macos-x86_64": ("macosx_11_0_x86_64", "x86_64-macos.11.0", ""),
    "windows-x86_64": ("win_amd64", "x86_64-windows-gnu", "-Wl,-Brepro"),  # not the time
}
BUILD = ("hatchling", "build", "-t")


def run(*command: str, **environment: str) -> None:
    """Run a command of Python in the folder of the project; one that fails ends the release."""
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, env={**os.environ, **environment}
    )
    if done.returncode:
        sys.exit(f"release: python -m {' '.join(command)} failed")


def wheel(folder: Path, platform: str) -> None:
    """The wheel of a platform, with the machine in it."""
    tag, target, flags = PLATFORMS[platform]
    environment = {
        "TINYGRAD_EDU_PLATFORM": tag,
        "CC": f"{shlex.quote(sys.executable)} -m ziglang cc -target {target}",
        "LDFLAGS": f"-nostdlib -rtlib=compiler-rt -Wl,--gc-sections -s {flags}",
    }
    run(*BUILD, "wheel", "-d", str(folder), **environment)


def check_wasm() -> None:
    """End the release where machine.wasm is not what the sources give."""
    with tempfile.TemporaryDirectory() as folder:
        new = Path(folder, "machine.wasm")
        built = runpy.run_path(str(ROOT / "hatch_build.py"))
        built["build_wasm"](new)
        if new.read_bytes() != (ROOT / built["FOLDER"] / new.name).read_bytes():
            sys.exit("release: machine.wasm is of other sources: write python hatch_build.py wasm")


def main() -> None:
    """Make the files, and let twine look at them."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="where the files are written")
    parser.add_argument("--only", choices=PLATFORMS, help="the wheel of this platform alone")
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        sys.exit(f"release: {folder} is not empty: name a new folder")
    check_wasm()
    for platform in [arguments.only] if arguments.only else PLATFORMS:
        wheel(folder, platform)
    if not arguments.only:
        run(*BUILD, "sdist", "-d", str(folder))
        run(*BUILD, "wheel", "-d", str(folder), TINYGRAD_EDU_PLATFORM="any")
    run("twine", "check", "--strict", *map(str, sorted(folder.iterdir())))


if __name__ == "__main__":
    main()
