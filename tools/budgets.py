"""Holds the sizes and times that are promised: the wheel, the import, the header, the length of a file; and that there is one version.

Run by the Python that has cnn installed; prints "N passed, N failed".
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WHEEL_BYTES = 2_000_000
IMPORT_MS = 25.0
HEADER_LINES = 600
FILE_LINES = 600
SOURCES = ("src/cnn/**/*.py", "src/cnn/_core/**/*.p*", "csrc/**/*.[ch]", "tests/**/*.py", "tools/*.py")
MADE = ("csrc/generated/", "csrc/build/", "src/cnn/_core/engine/kernels.pxi")

# Alternates, so that a slow moment of the machine falls on both; the least is the cost, the rest is noise.
IMPORT = "import time, numpy; start = time.perf_counter(); import cnn; print((time.perf_counter() - start) * 1e3)"


def import_ms() -> float:
    return min(
        float(subprocess.run([sys.executable, "-c", IMPORT], check=True, capture_output=True, text=True).stdout)
        for _ in range(9)
    )


def lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def versions() -> set[str]:
    header = (ROOT / "src/cnn/include/cnn/cnn.h").read_text(encoding="utf-8")
    parts = [re.search(rf"#define CNN_VERSION_{part} (\d+)", header)[1] for part in ("MAJOR", "MINOR", "PATCH")]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    return {".".join(parts), project}


def main() -> int:
    results: list[tuple[bool, str]] = []
    wheels = sorted((ROOT / "dist").glob("*.whl"))
    results += [
        (w.stat().st_size <= WHEEL_BYTES, f"{w.name}: {w.stat().st_size} bytes (at most {WHEEL_BYTES})") for w in wheels
    ]
    ms = import_ms()
    results.append((ms <= IMPORT_MS, f"import cnn after numpy: {ms:.1f} ms (at most {IMPORT_MS:g})"))
    n = lines(ROOT / "src/cnn/include/cnn/cnn.h")
    results.append((n <= HEADER_LINES, f"cnn.h: {n} lines (at most {HEADER_LINES})"))
    results.append((len(versions()) == 1, f"version of pyproject.toml and cnn.h: {' and '.join(sorted(versions()))}"))
    for ok, text in results:
        print("ok  " if ok else "OVER", text)
    for pattern in SOURCES:
        for path in sorted(ROOT.glob(pattern)):
            name = path.relative_to(ROOT).as_posix()
            if path.is_file() and not name.startswith(MADE) and (n := lines(path)) > FILE_LINES:
                print(f"long {name}: {n} lines (more than {FILE_LINES}: split it by concept)")
    failed = sum(not ok for ok, _ in results)
    print(f"{len(results) - failed} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
