"""What a library costs before it works: time to import, size of wheel and installation, memory."""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Any

import common
import machine

# The import that a first network needs, and the environment that goes with it.
IMPORTS: dict[str, tuple[str, str, dict[str, str]]] = {
    "numpy": ("numpy", "import numpy", {}),
    "cnn": ("cnn", "import cnn; cnn.Network", {}),
    "scikit-learn": ("scikit-learn", "from sklearn.neural_network import MLPClassifier", {}),
    "torch": ("torch", "import torch", {}),
    "jax": ("jax", "import jax, jax.numpy", {"JAX_PLATFORMS": "cpu"}),
    "keras": ("keras", "import keras", {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}),
    "keras (tensorflow)": (
        "tensorflow-cpu",
        "import keras",
        {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"},
    ),
    "onnxruntime": ("onnxruntime", "import onnxruntime", {}),
}
CODE = """import time; start = time.perf_counter(); {}; ms = (time.perf_counter() - start) * 1e3
import os; held = "/proc/self/statm"
print(ms, int(open(held).read().split()[1]) * os.sysconf("SC_PAGE_SIZE") if os.path.exists(held) else 0)"""


def _import(statement: str, environment: dict[str, str], package: str) -> tuple[float, int]:
    """Milliseconds, and bytes of memory after it."""
    told = subprocess.run(
        [sys.executable, "-c", CODE.format(statement)],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, **environment, "PYTHONPATH": package},
    ).stdout.split()
    return float(told[-2]), int(told[-1])


def _installed(name: str) -> int:
    """Bytes of a distribution's files, without what Python compiles itself."""
    files = metadata.distribution(name).files or []
    paths = {Path(str(f.locate())) for f in files if "__pycache__" not in str(f)}
    return sum(p.stat().st_size for p in paths if p.is_file())


def _required(name: str, found: set[str]) -> set[str]:
    """The names of a distribution and of all that it needs here."""
    key = re.sub(r"[-_.]+", "-", name).lower()
    if key in found:
        return found
    try:
        needs = metadata.distribution(key).requires or []
    except metadata.PackageNotFoundError:
        return found
    found.add(key)
    for need in needs:
        condition = need.partition(";")[2]
        if "extra" not in condition:  # what another system needs is not installed here, so it is not found
            match = re.match(r"[\w.-]+", need)
            if match:
                _required(match[0], found)
    return found


def _wheel(name: str, folder: Path) -> int | None:
    stem = re.sub(r"[-_.]+", "_", name).lower()
    return next((p.stat().st_size for p in sorted(folder.glob("*.whl")) if p.name.lower().startswith(stem + "-")), None)


def _ours() -> dict[str, Any]:
    """From the wheel in dist/, where there is one; else from the sources that it would hold."""
    wheel = next(iter(sorted((common.ROOT / "dist").glob("cnn-*.whl"))), None)
    if wheel is not None:
        with zipfile.ZipFile(wheel) as archive:
            return {
                "wheel_bytes": wheel.stat().st_size,
                "installed_bytes": sum(i.file_size for i in archive.infolist()),
            }
    root = common.ROOT / "src" / "cnn"
    skip = {root / "_core", root / "lib"}
    paths = (p for p in root.rglob("*") if p.is_file() and "__pycache__" not in p.parts and not skip & set(p.parents))
    return {"installed_bytes": sum(p.stat().st_size for p in paths)}


def measure(libraries: Iterable[str], rounds: int, package: str, *, download: bool) -> dict[str, Any]:
    """Of each library that Python imports.

    Parameters
    ----------
    libraries : iterable of str
    rounds : int
        Imports of each, in turn, each in a new process.
    package : str
        PYTHONPATH for ours.
    download : bool
        Have pip download the wheels, to see their sizes.
    """
    chosen = {n: v for n, v in IMPORTS.items() if n == "numpy" or n.partition(" ")[0] in libraries}
    times: dict[str, list[float]] = {name: [] for name in chosen}
    memory: dict[str, int] = {}
    failed: dict[str, str] = {}
    for number in range(rounds + 1):  # the first one fills the file cache
        for name, (_, statement, environment) in chosen.items():
            if name in failed:
                continue
            try:
                ms, memory[name] = _import(statement, environment, package)
            except subprocess.CalledProcessError as error:
                failed[name] = (error.stderr.strip().splitlines() or ["failed"])[-1][:200]
                continue
            if number:
                times[name].append(ms)
    folder = machine.BUILD / "wheels"
    results: dict[str, Any] = {}
    for name, (distribution, statement, _) in chosen.items():
        if name in failed:
            results[name] = {"failed": failed[name]}
            continue
        found: dict[str, Any] = {
            "import": statement,
            "import_ms": min(times[name]),
            "import_ms_median": statistics.median(times[name]),
            "memory_bytes": memory[name],
        }
        if name == "cnn":
            found |= _ours()
            found["installed_with_needs_bytes"] = found["installed_bytes"] + _installed("numpy")
        else:
            if download and not _wheel(distribution, folder):
                wanted = f"{distribution}=={metadata.version(distribution)}"
                command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(folder), wanted]
                subprocess.run(command, check=False, capture_output=True)
            needs = _required(distribution, set())
            found |= {"wheel_bytes": _wheel(distribution, folder), "installed_bytes": _installed(distribution)}
            found["installed_with_needs_bytes"] = sum(map(_installed, needs))
        results[name] = found
    return results
