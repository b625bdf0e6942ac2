"""C that the benchmarks compile here, and what it says about the machine: its limits, and which of its states it is in."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import common

BUILD = common.ROOT / "benchmarks" / "build"
FLAGS = ("-O3", "-march=native", "-Wall")
STATES = {
    "near": "two cores that share a cache",
    "shared": "two threads of one core: together they do one core's arithmetic",
    "far": "two cores without a common cache",
    "single": "one CPU",
}


def compiled(source: Path, *flags: str, libraries: tuple[str, ...] = (), shared: bool = False) -> Path:
    """Compile one file of C, unless that has been done with these flags.

    Parameters
    ----------
    source : Path
    *flags : str
        Beside `FLAGS`.
    libraries : tuple of str
        Arguments for the linker.
    shared : bool
        A library rather than a program.

    Raises
    ------
    RuntimeError
        With what the compiler said.
    """
    command = [*os.environ.get("CC", "cc").split(), *FLAGS, *flags, *(("-shared", "-fPIC") if shared else ())]
    text = source.read_bytes() + " ".join([*command, *libraries]).encode()
    target = BUILD / f"{source.stem}-{hashlib.sha256(text).hexdigest()[:12]}{'.so' if shared else ''}"
    if not target.exists():
        BUILD.mkdir(parents=True, exist_ok=True)
        part = target.with_suffix(f".part{os.getpid()}")
        done = subprocess.run(
            [*command, str(source), "-o", str(part), *libraries], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{source.name} does not compile: {done.stderr.strip()[-400:]}")
        part.rename(target)
    return target


def _probe(what: str) -> dict[str, Any]:
    program = compiled(common.ROOT / "benchmarks" / "probes" / "probes.c", libraries=("-pthread",))
    result: dict[str, Any] = json.loads(subprocess.run([program, what], capture_output=True, check=True).stdout)
    return result


def limits() -> dict[str, Any]:
    """Multiply-add peaks and bandwidths, by threads."""
    return _probe("limits")


def state() -> dict[str, Any]:
    """The machine's state at this moment: a tenth of a second of two threads.

    Returns
    -------
    dict
        "name" (see `STATES`), "fma_1_gflops", and with two CPUs "fma_2_gflops" and "ping_pong_ns", a cache line's way there and back.
    """
    found = _probe("state")
    if "fma_2_gflops" not in found:
        name = "single"
    elif found["fma_2_gflops"] < 1.4 * found["fma_1_gflops"]:
        name = "shared"
    else:
        name = "far" if found["ping_pong_ns"] > 250 else "near"
    return {"name": name, **found, "load": round(os.getloadavg()[0], 2)}


def highest(limits: list[dict[str, Any]], states: list[dict[str, Any]]) -> dict[str, Any]:
    """Of each limit the best that was seen: a moment in which the machine was busy or slow makes it too low, nothing makes it too high.

    Parameters
    ----------
    limits : list
        What `limits` gave, at several times.
    states : list
        What `state` gave: its multiply-add rates count, too.
    """
    merged: dict[str, Any] = {**limits[0], "measured": limits}
    for key in [k for k in merged if k.startswith("threads_")]:
        merged[key] = {name: max(one[key][name] for one in limits) for name in limits[0][key]}
        rates = [s[name] for s in states if (name := f"fma_{key[-1]}_gflops") in s]
        merged[key]["fma_f32_gflops"] = max([merged[key]["fma_f32_gflops"], *rates])
    return merged


def best_time(workload: Any, measured: dict[str, Any], threads: int) -> dict[str, Any]:
    """The least time that the measured limits allow for one step or call.

    It is the longer of two: the multiply-adds at peak; and the bytes that must move, at the bandwidth of the cache that holds them.
    A step of Adam reads and writes each weight and its two moments; a prediction reads each weight once. Gradients, activations, functions
    and the work between are not counted: no program reaches this.

    Parameters
    ----------
    workload : Workload
    measured : dict
        What `limits` gave.
    threads : int

    Returns
    -------
    dict
        "seconds", and "by": the limit that decides.
    """
    here = measured[f"threads_{threads}"]
    arithmetic = 2 * workload.multiply_adds / (here["fma_f32_gflops" if workload.item == 4 else "fma_f64_gflops"] * 1e9)
    training = workload.kind == "train" and workload.optimizer == "adam"
    held = workload.parameters * workload.item * (3 if training else 1)
    moved = held * (2 if training else 1)
    level = next((k for k in ("l1", "l2", "l3") if held / threads <= _room(measured, k, threads)), "dram")
    memory = moved / (here[f"{level}_{'update' if training else 'read'}_gb"] * 1e9)
    if arithmetic >= memory:
        return {"seconds": arithmetic, "by": f"multiply-adds of {threads} thread{'s' * (threads > 1)}"}
    return {"seconds": memory, "by": f"{level.upper()} bandwidth of {threads} thread{'s' * (threads > 1)}"}


def _room(measured: dict[str, Any], level: str, threads: int) -> float:
    """Bytes that a thread has in a cache; the last one is shared."""
    return float(measured[f"{level}_bytes"]) / (threads if level == "l3" else 1)
