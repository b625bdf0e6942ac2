"""One workload: every library's process started, checked, tuned; then rounds in which all take turns."""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import common
import machine
import numpy as np
import peers
from agreement import Reference
from workloads import Workload

WORKER = common.ROOT / "benchmarks" / "worker.py"
CLOSE = 1.1  # a second variant within this factor of the best goes into the rounds too


@dataclass(frozen=True)
class Effort:
    """How long things take, in seconds, and how often they are done."""

    rounds: int = 7
    repeat: float = 0.05  # one repeat
    measure: float = 0.5  # all repeats of a round
    tune: float = 0.3
    least: int = 3
    timeout: float = 420.0
    look: bool = True  # for the best settings; else the first of each


QUICK = Effort(rounds=2, repeat=0.02, measure=0.1, tune=0.1, least=2, look=False)


class Failed(Exception):
    """A library's process said that it could not go on."""


def without_paths(text: str) -> str:
    """A message that says nothing of where things lie on this machine."""
    return re.sub(r"(/[\w.+-]+)+/", "", text)


class Worker:
    """A library's process, stopped while others are measured."""

    def __init__(self, library: str, workload: Workload, variant: dict[str, Any], package: str, timeout: float) -> None:
        self.library, self.variant, self.timeout = library, variant, timeout
        self.agreement: dict[str, Any] = {}
        self.folder = tempfile.TemporaryDirectory(prefix="cnn-bench-")
        self.results = Path(self.folder.name) / "results.npz"
        self.log = open(Path(self.folder.name) / "log", "w+b")  # noqa: SIM115  closed by close()
        environment = {**os.environ, **peers.load(library).environment(variant), "PYTHONPATH": package}
        self.process = subprocess.Popen(
            [sys.executable, WORKER, library, workload.name, json.dumps(variant), self.results],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            env=environment,
        )
        try:
            self.said = self._answer()
        except Failed:
            self.close()
            raise

    def _answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        if not select.select([self.process.stdout], [], [], self.timeout)[0]:
            raise Failed(f"no answer within {self.timeout:.0f} s")
        line = self.process.stdout.readline()
        if not line:
            self.log.seek(0)
            last = self.log.read().decode(errors="replace").strip().splitlines()[-1:]
            raise Failed(without_paths(f"its process ended: {' '.join(last)[:300]}"))
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise Failed(without_paths(answer["error"]))
        return answer

    def ask(self, do: str, **details: Any) -> dict[str, Any]:
        """An order and its answer; the process runs only meanwhile."""
        assert self.process.stdin is not None
        self.process.send_signal(signal.SIGCONT)
        try:
            self.process.stdin.write(json.dumps({"do": do, **details}).encode() + b"\n")
            self.process.stdin.flush()
            return self._answer()
        except OSError as error:
            raise Failed(f"its process ended: {error}") from None
        finally:
            self.process.send_signal(signal.SIGSTOP)

    def close(self) -> None:
        """End the process."""
        with contextlib.suppress(OSError):
            self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.log):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        self.folder.cleanup()


def as_settings(name: str, value: Any) -> dict[str, Any]:
    """One value of an axis as a part of a variant."""
    return value if isinstance(value, dict) else {name: value}


@dataclass
class Entry:
    """What becomes of one library on one workload."""

    library: str
    title: str
    status: str = "measured"  # or "cannot", "failed", "disagrees"
    reason: str = ""
    agreement: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    information: dict[str, Any] = field(default_factory=dict)
    tried: list[dict[str, Any]] = field(default_factory=list)
    variants: list[dict[str, Any]] = field(default_factory=list)
    memory: dict[str, int] = field(default_factory=dict)
    best: float = 0.0
    median: float = 0.0
    workers: list[Worker] = field(default_factory=list, repr=False)

    def public(self) -> dict[str, Any]:
        """As the result file has it."""
        return {k: v for k, v in vars(self).items() if k != "workers" and v not in ("", {}, [], 0.0)}


class Contest:
    """The libraries on one workload."""

    def __init__(
        self, workload: Workload, effort: Effort, package: str, settings: dict[str, list[dict[str, Any]]] | None = None
    ) -> None:
        self.workload, self.effort, self.package = workload, effort, package
        self.settings = settings or {}  # by library: known to be the best, so nothing else is tried
        self.reference = Reference(workload)

    def _enter(self, entry: Entry, variant: dict[str, Any]) -> tuple[Worker, float]:
        """A checked worker and the time that it takes, roughly."""
        worker = Worker(entry.library, self.workload, variant, self.package, self.effort.timeout)
        try:
            self._judge(entry, worker)
            worker.ask("ready", seconds=self.effort.repeat)
            return worker, float(worker.ask("measure", seconds=self.effort.tune, least=self.effort.least)["best"])
        except BaseException:
            worker.close()
            raise

    def _judge(self, entry: Entry, worker: Worker) -> None:
        said = worker.said
        with np.load(worker.results) as found:
            if self.workload.kind == "train":
                weights = [(found[f"w{i}"], found[f"b{i}"]) for i in range(len(found.files) // 2)]
                verdict = self.reference.trained(weights, said["loss"], said["lr_scale"], said["tolerance"])
            else:
                verdict = self.reference.predicted(found["outputs"], said["tolerance"])
        entry.versions, entry.information = said["versions"], said["information"]
        worker.agreement = verdict
        if not verdict["agrees"]:
            entry.agreement = verdict
            raise Failed("the result disagrees with the reference")

    def tune(self, library: str) -> Entry:
        """Start a library with its settings one after the other; keep the best, and another that is close."""
        kind = peers.load(library)
        entry = Entry(library, kind.title)
        try:
            axes = kind.axes(self.workload)
        except peers.CannotTakePart as reason:
            entry.status, entry.reason = "cannot", str(reason)
            return entry
        kept: list[tuple[float, Worker]] = []
        chosen = {}
        for name, values in axes.items():
            chosen |= as_settings(name, values[0])
        best = float("inf")
        given = self.settings.get(library)
        trials = [{}] + [as_settings(name, value) for name, values in axes.items() for value in values[1:]]
        for change in given or (trials if self.effort.look else trials[:1]):
            variant = {**chosen, **change}
            try:
                worker, seconds = self._enter(entry, variant)
            except Failed as why:
                entry.tried.append({"variant": variant, "failed": str(why)})
                continue
            entry.tried.append({"variant": variant, "seconds": float(f"{seconds:.5g}")})
            if seconds < best:
                best, chosen = seconds, variant
            kept.append((seconds, worker))
            kept.sort(key=lambda pair: pair[0])
            while len(kept) > 2 or (kept and kept[-1][0] > CLOSE * best):
                kept.pop()[1].close()
        entry.workers = [worker for _, worker in kept]
        if not kept:
            entry.status = "disagrees" if entry.agreement else "failed"
            entry.reason = entry.tried[-1]["failed"]
        else:
            entry.agreement = kept[0][1].agreement
        return entry

    def run(self, libraries: Iterable[str]) -> dict[str, Any]:
        """All of it.

        Returns
        -------
        dict
            "entries": what became of each library; "states": how often the machine was met in each; "state": the one that
            the figures were taken in, where a library was met in it.
        """
        entries: list[Entry] = []
        states: list[dict[str, Any]] = []
        state = ""
        try:
            for library in libraries:
                print(f"  {library} ...", end="", flush=True)
                start = time.perf_counter()
                entry = self.tune(library)
                entries.append(entry)
                seconds = [t["seconds"] for t in entry.tried if "seconds" in t]
                told = f"{min(seconds):.3g} s" if entry.workers else entry.reason
                print(f" {told} ({time.perf_counter() - start:.0f} s to tune)", flush=True)
            turns = [(entry, worker, []) for entry in entries for worker in entry.workers]
            states.append(machine.state())
            for number in range(self.effort.rounds):
                first = number % max(1, len(turns))
                for entry, worker, rounds in turns[first:] + turns[:first]:
                    try:
                        found = worker.ask("measure", seconds=self.effort.measure, least=self.effort.least)
                    except Failed as why:
                        entry.tried.append({"variant": worker.variant, "failed": str(why)})
                        continue
                    states.append(machine.state())
                    rounds.append({**found, "before": states[-2], "after": states[-1]})
            state = usual([r for _, _, rounds in turns for r in rounds])
            for entry, worker, rounds in turns:
                if rounds:
                    found = {**summary(rounds, state), "rounds": rounds}
                    entry.variants.append({"variant": worker.variant, "agreement": worker.agreement, **found})
                    with contextlib.suppress(Failed):
                        entry.memory = worker.ask("footprint")
            for entry in entries:
                if entry.variants:
                    variant = min(entry.variants, key=lambda v: v["best"])
                    entry.best, entry.median, entry.agreement = (variant[k] for k in ("best", "median", "agreement"))
                elif entry.status == "measured":
                    entry.status, entry.reason = "failed", "see tried"
        finally:
            for entry in entries:
                for worker in entry.workers:
                    worker.close()
        return {"state": state, "states": tally(states), "entries": {e.library: e.public() for e in entries}}


def steady(rounds: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those before and after which the machine was in the same state."""
    return [r for r in rounds if r["before"]["name"] == r["after"]["name"]]


def usual(rounds: list[dict[str, Any]]) -> str:
    """The state of most steady rounds."""
    names = [r["before"]["name"] for r in steady(rounds)]
    return max(set(names), key=names.count) if names else ""


def summary(rounds: list[dict[str, Any]], state: str) -> dict[str, Any]:
    """Best and median of the steady rounds in this state; where there are none, of all steady ones, or of all."""
    same = [r for r in steady(rounds) if r["before"]["name"] == state]
    chosen = same or steady(rounds) or rounds
    return {
        "best": min(r["best"] for r in chosen),
        "median": statistics.median(r["median"] for r in chosen),
        "rounds_in_state": len(same),
    }


def tally(states: list[dict[str, Any]]) -> dict[str, int]:
    """How often the machine was met in each state."""
    names = [s["name"] for s in states]
    return {name: names.count(name) for name in dict.fromkeys(names)}
