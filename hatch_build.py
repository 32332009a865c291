"""How the machine is built: the C files of tinygrad_edu/vectorize/executors, into one library.

As the build hook of `pip install` it compiles them where there is a C compiler (CC, else cc, gcc,
clang) and puts the library into the wheel; without one the wheel is pure, and NumPy runs. An
editable install has the library in the folder, where git ignores it. `python hatch_build.py`
builds it there anew, `python hatch_build.py wasm` machine.wasm (with `pip install ziglang`).

For other platforms TINYGRAD_EDU_PLATFORM is the platform tag of the wheel, CC a compiler for it and
LDFLAGS what it needs to link: one that fails is then an error. The tag `any` is the pure wheel's.
"""

import os
import platform
import runpy
import shlex
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

FOLDER = "tinygrad_edu/vectorize/executors"
ROOT = Path(__file__).resolve().parent
#: NumPy's results to the last bit of a sum: nothing is fused or reordered that C does not allow.
FLAGS = (
    *("-O3", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math"),
    *("-fvisibility=hidden", "-fPIC"),
)
#: zig's name for the system of a page, and what its files need not hold.
WASM = ("-target", "wasm32-freestanding", "-msimd128", "-nostdlib", "-s")


class Build(NamedTuple):
    """A build of machine.c: what its functions' names end with, doubles in a vector, features.

    processor.c asks for these features.
    """

    name: str
    doubles: int
    features: tuple[str, ...] = ()

    @property
    def options(self) -> list[str]:
        """Its options for the compiler."""
        return [f"-DV={self.doubles}", f"-DEXPORT(name)=name##_{self.name}", *self.features]


BASELINE = Build("baseline", 2)
AVX2 = Build("avx2", 4, ("-mavx2", "-mfma"))
AVX512 = Build(
    "avx512",
    8,
    (
        *("-mavx512f", "-mavx512cd", "-mavx512bw", "-mavx512dq", "-mavx512vl", "-mfma"),
        "-mprefer-vector-width=512",  # clang would split them in two
    ),
)
#: How a platform tag ends -> what is built for it.
BUILDS = {
    "x86_64": (BASELINE, AVX2, AVX512),
    "amd64": (BASELINE, AVX2, AVX512),
    "aarch64": (BASELINE,),
    "arm64": (BASELINE,),
}


class NotBuilt(Exception):  # noqa: N818
    """There will be no machine; the message says why."""


def builds_for(tag: str) -> tuple[Build, ...]:
    """What is built for a platform tag: nothing where the machine is unknown."""
    return next((builds for end, builds in BUILDS.items() if tag.endswith(end)), ())


def native_tag() -> str:
    """The platform tag of a wheel for this machine alone."""
    from packaging.tags import sys_tags  # hatchling brings it

    platforms = (tag.platform for tag in sys_tags())
    return next(x for x in platforms if not x.startswith(("manylinux", "musllinux")))


def options_of(variable: str) -> list[str]:
    """The words of an environment variable."""
    return shlex.split(os.environ.get(variable, ""))


def compiler() -> list[str]:
    """The C compiler of this machine as a command. Raises NotBuilt without one."""
    if chosen := options_of("CC"):
        return chosen
    if sys.platform == "win32":  # no standard one: GCC misaligns vectors on the stack there
        raise NotBuilt("on Windows only with CC")
    for name in ("cc", "gcc", "clang"):
        if found := shutil.which(name):
            return [found, *(["-arch", platform.machine()] if sys.platform == "darwin" else [])]
    raise NotBuilt("no C compiler")


def library() -> dict[str, Any]:
    """The names of executors/library.py, which says what the library is called and holds."""
    return runpy.run_path(str(ROOT / FOLDER / "library.py"))


def sources() -> str:
    """The option for the compiler that tells the library what it is made of."""
    return f"-DSOURCES={library()['checksum'](ROOT / FOLDER)}u"


def build(target: Path, tag: str, command: list[str]) -> None:
    """Compile the machine for a platform tag into a file. Raises NotBuilt."""
    builds = builds_for(tag)
    if not builds:
        raise NotBuilt(f"no machine for {tag}")
    jobs = [("machine.c", [*FLAGS, *b.options], f"{b.name}.o") for b in builds]
    jobs.append(("processor.c", [*FLAGS, sources()], "processor.o"))
    # relative names, since some of them stay in the library
    linked = [*(out for *_, out in jobs), *options_of("LDFLAGS"), "-o", target.name]
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor() as pool:
        commands = [[*command, *o, "-c", c, "-o", str(Path(folder, out))] for c, o, out in jobs]
        list(pool.map(_run, commands))
        _run([*command, "-shared", *linked], folder)
        try:
            target.unlink(missing_ok=True)  # one that is in use is replaced, not written over
            shutil.move(Path(folder, target.name), target)
        except OSError as error:
            raise NotBuilt(str(error)) from None


def build_wasm(target: Path) -> None:
    """Compile the machine for a page: WebAssembly with vectors, which imports nothing."""
    linking = ["-Wl,--no-entry", "-Wl,--export-dynamic"]
    command = [sys.executable, "-m", "ziglang", "cc", *WASM, *FLAGS, *BASELINE.options, *linking]
    _run([*command, sources(), "machine.c", "processor.c", "-o", str(target.resolve())])
    target.chmod(0o644)  # data of the package


def _run(command: list[str], folder: str | Path = ROOT / FOLDER) -> None:
    """Run a compiler in a folder, that of the sources. Raises NotBuilt with its first error."""
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace")
    except OSError as error:
        raise NotBuilt(str(error)) from None
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        reason = next((line for line in lines if "error" in line), "".join(lines[-1:]))
        raise NotBuilt(f"{shlex.join(command)} failed: {reason}")


def get_build_hook() -> type:
    """The hook, for hatchling, which alone needs hatchling."""
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface

    class MachineHook(BuildHookInterface):
        """Puts the library into a wheel, and says in the wheel's name which platform it is for."""

        folder: tempfile.TemporaryDirectory[str] | None = None

        def initialize(self, version: str, build_data: dict[str, Any]) -> None:
            """Before a wheel is made, which holds the course too."""
            if version != "editable":
                lessons = str(Path(self.root, "notebooks"))
                build_data["force_include"][lessons] = "tinygrad_edu/notebooks"
            wanted = os.environ.get("TINYGRAD_EDU_PLATFORM", "").strip()
            if wanted == "any":
                return
            tag = wanted or native_tag()
            name = library()["file_name"](tag)
            target = Path(self.root, FOLDER, name)
            if version != "editable":
                self.folder = tempfile.TemporaryDirectory()
                target = Path(self.folder.name, name)
            try:
                build(target, tag, compiler())
            except NotBuilt as reason:
                if wanted:
                    raise
                self.app.display_warning(f"the machine is not built, NumPy runs: {reason}")
                return
            build_data |= {"pure_python": False, "tag": f"py3-none-{tag}"}
            if self.folder is not None:
                build_data["force_include"][str(target)] = f"{FOLDER}/{name}"

        def finalize(self, version: str, build_data: dict[str, Any], artifact: str) -> None:
            """After it."""
            if self.folder is not None:
                self.folder.cleanup()

    return MachineHook


if __name__ == "__main__":
    try:
        if sys.argv[1:] == ["wasm"]:
            build_wasm(ROOT / FOLDER / "machine.wasm")
        else:
            here = f"{sys.platform}_{platform.machine().lower()}"
            build(ROOT / FOLDER / library()["file_name"](here), here, compiler())
    except NotBuilt as reason:
        sys.exit(f"hatch_build: {reason}")
