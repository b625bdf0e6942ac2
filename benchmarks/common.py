"""What the benchmarks share: the machine described, contestants timed in turn, results as JSON and as a Markdown table."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
DATA = ROOT / "benchmarks" / "data"


def output_of(*command: str) -> str:
    """The first line that a command prints; empty where it fails."""
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip().partition("\n")[0]


def cpu_model() -> str:
    if sys.platform == "darwin":
        return output_of("sysctl", "-n", "machdep.cpu.brand_string")
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.processor()
    )


def cpu_count() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def package_version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def commit() -> str:
    short = output_of("git", "rev-parse", "--short=12", "HEAD")
    dirty = output_of("git", "status", "--porcelain", "--untracked-files=no")
    return short + ("+changes" if short and dirty else "")


def machine(packages: tuple[str, ...] = ()) -> dict[str, Any]:
    """Where and with what a result was measured. No host name, no path."""
    import cnn

    compiler = os.environ.get("CC", "cc").split()
    return {
        "cpu": cpu_model(),
        "cpus": cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "isa": cnn.cpu.current(),
        "threads": cnn.get_num_threads(),
        "load_average": [round(x, 2) for x in os.getloadavg()] if hasattr(os, "getloadavg") else None,
        "python": platform.python_version(),
        "versions": {"cnn": cnn.__version__, **{name: package_version(name) for name in ("numpy", *packages)}},
        "compiler": output_of(*compiler, "--version"),  # of this machine: what built a wheel is not known here
        "commit": commit(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": " ".join(["python", Path(sys.argv[0]).resolve().relative_to(ROOT).as_posix(), *sys.argv[1:]]),
    }


def timed(work: Callable[[], Any]) -> float:
    """Seconds that one call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def rounds(contestants: dict[str, Callable[[], float]], n: int) -> dict[str, dict[str, Any]]:
    """Each contestant measured n times, in turn, so that a slow moment of the machine falls on all. A contestant returns its figure.

    "best" is what the work costs; the distance to "median" is what the machine adds.
    """
    figures: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(n):
        for name, measure in contestants.items():
            figures[name].append(measure())
    return {
        name: {"best": min(f), "median": statistics.median(f), "rounds": [float(f"{x:.5g}") for x in f]}
        for name, f in figures.items()
    }


def write(name: str, result: dict[str, Any]) -> None:
    """benchmarks/results/<name>.json"""
    RESULTS.mkdir(parents=True, exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(f"\nwritten: {path.relative_to(ROOT).as_posix()}")


def table(header: list[str], rows: list[list[str]]) -> None:
    """Markdown to stdout."""
    print("\n| " + " | ".join(header) + " |")
    print("|" + "---|" * len(header))
    for row in rows:
        print("| " + " | ".join(row) + " |")


def comparison(title: str, unit: str, results: dict[str, dict[str, Any]], ours: str) -> None:
    """One workload: best, median, and how many times the best of `ours` each takes."""
    base = results[ours]["best"]
    rows = [[name, f"{r['best']:.4g}", f"{r['median']:.4g}", f"{r['best'] / base:.2f}"] for name, r in results.items()]
    table([title, f"best, {unit}", "median", "times ours"], rows)
