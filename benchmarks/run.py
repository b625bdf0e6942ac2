"""Every library in turn on every workload: checked against the reference, then timed. `make bench-peers`.

    python benchmarks/run.py [--only WORKLOAD ...] [--libraries NAME ...] [--rounds N] [--quick] [--output NAME]
    python benchmarks/run.py --only WORKLOAD ... --into NAME
    python benchmarks/run.py --report benchmarks/results/peers.json

A whole run writes benchmarks/results/peers.json and peers.md; a part of one only with --output, or with --into: then a result that is there
keeps its other workloads, and what is measured replaces or joins them.
docs/benchmarks.md says what is measured, and how.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import common
import contest
import footprint
import machine
import peers
import report
from workloads import WORKLOADS

FOOTPRINT = "footprint"


def host() -> dict[str, Any]:
    """The machine and the tools. No host name, no path."""
    compiler = os.environ.get("CC", "cc").split()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cpu": common.cpu_model(),
        "cpus": common.cpu_count(),
        "memory_bytes": memory,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "compiler": common.output_of(*compiler, "--version"),
        "commit": common.commit(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def settings(paths: list[Path], workload: str) -> dict[str, list[dict[str, Any]]]:
    """By library, the variants that former results measured; the last one that has the library counts."""
    found: dict[str, list[dict[str, Any]]] = {}
    for path in paths:
        former = json.loads(path.read_text(encoding="utf-8"))["workloads"].get(workload, {"entries": {}})
        found |= {
            name: [v["variant"] for v in e["variants"]] for name, e in former["entries"].items() if "variants" in e
        }
    return found


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Every library in turn on every workload.")
    every = [*WORKLOADS, FOOTPRINT]
    parser.add_argument("--only", nargs="+", choices=every, metavar="WORKLOAD", help=f"of {', '.join(every)}")
    parser.add_argument(
        "--libraries", nargs="+", choices=peers.NAMES, metavar="NAME", help=f"of {', '.join(peers.NAMES)}"
    )
    parser.add_argument("--rounds", type=int, help="of interleaved measurements")
    parser.add_argument(
        "--quick", action="store_true", help="see that it works: two short rounds, only the first of each setting"
    )
    parser.add_argument("--output", help="name of the result in benchmarks/results; a whole run's is peers")
    parser.add_argument("--into", help="name of a result that gets these workloads and keeps its others")
    parser.add_argument(
        "--package", default=str(common.ROOT / "src"), help="where cnn is imported from; '' for the installed one"
    )
    parser.add_argument(
        "--settings",
        type=Path,
        nargs="+",
        default=[],
        help="former results: the settings they found best are taken, not looked for again",
    )
    parser.add_argument("--wheels", action="store_true", help="have pip download the peers' wheels, for their sizes")
    parser.add_argument("--report", type=Path, help="print the tables of a result and do nothing else")
    return parser.parse_args()


def main() -> int:
    args = arguments()
    if args.report:
        print(report.markdown(json.loads(args.report.read_text(encoding="utf-8"))))
        return 0
    effort = contest.QUICK if args.quick else contest.Effort()
    if args.rounds:
        effort = dataclasses.replace(effort, rounds=args.rounds)
    names = args.only or [*WORKLOADS, FOOTPRINT]
    libraries = args.libraries or list(peers.NAMES)
    package = str(Path(args.package).resolve()) if args.package else ""
    print("limits of this machine ...", flush=True)
    result: dict[str, Any] = {"host": host(), "effort": dataclasses.asdict(effort), "workloads": {}}
    met = [machine.state()]
    limits = [machine.limits()]
    met.append(machine.state())
    for name in names:
        print(name, flush=True)
        if name == FOOTPRINT:
            result[FOOTPRINT] = footprint.measure(libraries, max(3, effort.rounds), package, download=args.wheels)
            continue
        workload = WORKLOADS[name]
        found = contest.Contest(workload, effort, package, settings(args.settings, name)).run(libraries)
        met += [r["after"] for e in found["entries"].values() for v in e.get("variants", []) for r in v["rounds"]]
        about = {key: getattr(workload, key) for key in ("title", "unit", "kind", "batch", "bars", "multiply_adds")}
        when = {key: result["host"][key] for key in ("commit", "date")}
        result["workloads"][name] = {**about, **when, **found}
    print("limits again ...", flush=True)
    limits.append(machine.limits())
    result["limits"] = machine.highest(limits, met)
    for name, found in result["workloads"].items():
        threads = [n for n in (1, 2) if f"threads_{n}" in result["limits"]]
        found["limits"] = {f"threads_{n}": machine.best_time(WORKLOADS[name], result["limits"], n) for n in threads}
    status = failures(result)
    if args.into:
        result = joined(result, common.RESULTS / f"{args.into}.json")
    text = report.markdown(result)
    print("\n" + text)
    whole = not (args.only or args.libraries or args.quick)
    output = args.into or args.output or ("peers" if whole else None)
    if output:
        common.write(output, result)
        (common.RESULTS / f"{output}.md").write_text(text, encoding="utf-8")
    return status


def joined(result: dict[str, Any], path: Path) -> dict[str, Any]:
    """The result at `path`, where there is one, with this one's workloads in it: those of the same name replaced."""
    if not path.exists():
        return result
    former = json.loads(path.read_text(encoding="utf-8"))
    every = {**former["workloads"], **result["workloads"]}
    return {**former, **result, "workloads": {name: every[name] for name in WORKLOADS if name in every}}


def failures(result: dict[str, Any]) -> int:
    """Say what did not take part for another reason than that it cannot; the exit status: 1 when it was ours."""
    status = 0
    for name, found in result["workloads"].items():
        for library, entry in found["entries"].items():
            if entry["status"] in ("disagrees", "failed"):
                print(f"{name}: {library} {entry['status']}: {entry['reason']}", file=sys.stderr)
                status |= library in peers.NOT_PEERS
    return int(status)


if __name__ == "__main__":
    sys.exit(main())
