"""Makes everything that is made: Cython's C, the stub Python.h, the lists that Cython cannot read, the list of public names.

Each file is written only when its inputs have changed, so this may be run before every build (setup.py and csrc/Makefile do). With the
made files shipped (an sdist) and no Cython at hand, what is there is used. See docs/building.md.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import activation_loops
import lists
import stub_python
import vocabulary

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "cnn" / "_core"
GENERATED = ROOT / "csrc" / "generated"
HEADER = ROOT / "src" / "cnn" / "include" / "cnn" / "cnn.h"
DIRECTIVES = {
    "language_level": 3,
    "boundscheck": False,
    "wraparound": False,
    "cdivision": True,
    "cpow": True,
    "initializedcheck": False,
    "freethreading_compatible": True,
}


def stale(output: Path, inputs: list[Path]) -> bool:
    if not output.exists():
        return True
    made = output.stat().st_mtime_ns
    return any(not path.exists() or path.stat().st_mtime_ns > made for path in inputs)


def dependencies(depfile: Path) -> list[Path]:
    """The inputs that Cython noted in a depfile, relative to where it ran."""
    text = depfile.read_text(encoding="utf-8").replace("\\\n", " ")
    return [GENERATED / path for path in text.split(":", 1)[1].split()]


def cythonize(name: str, module: str) -> bool:
    """name.pyx -> generated/name.c. True when it was made anew."""
    source, output = SOURCE / f"{name}.pyx", GENERATED / f"{name}.c"
    depfile = output.with_suffix(".c.dep")
    known = dependencies(depfile) if depfile.exists() else sorted(SOURCE.rglob("*.p*"))  # an sdist has no depfile
    if not stale(output, [*known, Path(__file__)]):
        return False
    if importlib.util.find_spec("Cython") is None:
        raise SystemExit(
            "a clone has no generated C, and this Python no Cython to make it: run `make build` first (an sdist has the C)"
        )
    options = [f"--directive={key}={value}" for key, value in DIRECTIVES.items()]
    command = [
        sys.executable,
        "-m",
        "cython",
        "--depfile",
        "--module-name",
        module,
        *options,
        "-o",
        output.name,
        os.path.relpath(source, GENERATED),
    ]
    result = subprocess.run(command, cwd=GENERATED, check=False)
    # Cython writes a header of `public` names beside the C; ours (cnn.h, engine.h) are written by hand, and one would hide the other.
    output.with_suffix(".h").unlink(missing_ok=True)
    if result.returncode:
        output.unlink(missing_ok=True)
        raise SystemExit(f"Cython failed on {source.relative_to(ROOT)}")
    return True


def engine() -> None:
    if not cythonize("engine", "engine"):
        return
    output = GENERATED / "engine.c"
    c = output.read_text(encoding="utf-8")
    # The engine's module is never initialised: a variable of the module would stay zero.
    if variables := re.findall(r"^(?:static |__PYX_EXTERN_C ).*\b__pyx_v_6engine_(\w+)(?:\[.*\])*;", c, flags=re.M):
        output.unlink()
        raise SystemExit(
            f"engine.pyx has variables at module level, which nothing would initialise: {', '.join(variables)}"
        )
    stub_python.write(output, GENERATED / "python")


def exports() -> None:
    """The names that cnn.h marks CNN_API: the only ones that libcnn shows."""
    header = re.sub(r"/\*.*?\*/", " ", HEADER.read_text(encoding="utf-8"), flags=re.S)
    names = sorted(re.findall(r"^CNN_API\b[^;{]*?\b(cnn_\w+)\s*\(", header, flags=re.M))
    lists.write(GENERATED / "exports.txt", "".join(f"{name}\n" for name in names))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--core", action="store_true", help="also core.c, the Python bindings")
    arguments = parser.parse_args()
    GENERATED.mkdir(parents=True, exist_ok=True)
    lists.main()
    vocabulary.main()
    activation_loops.main()
    exports()
    engine()
    if arguments.core:
        cythonize("core", "cnn._core")


if __name__ == "__main__":
    main()
