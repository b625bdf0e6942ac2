"""Every kernel as a share of its limit, from the benches of `csrc/tests`. `make bench`.

    python benchmarks/kernels.py [ISA]

Prints what they print. Without ISA it runs the best instruction set and, where that is wider, AVX2, and writes
benchmarks/results/kernels.json.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from typing import Any

import common

import cnn

BENCHES = ("check_products", "check_windows", "check_kernels")
HEADER = re.compile(r"^(?P<isa>\w+) (?P<dtype>f32|f64): (?P<limits>.*)$")
PERCENT = re.compile(r"([\d.]+) %")


def bench(isa: str) -> dict[str, Any]:
    """The lines of all benches by dtype, each with its shares of the limit in percent, in the order of the line; printed as they come."""
    found: dict[str, Any] = {}
    for name in BENCHES:
        part: dict[str, Any] = {}
        with subprocess.Popen(
            [common.ROOT / "csrc" / "build" / "tests" / name, "--bench", isa], stdout=subprocess.PIPE, text=True
        ) as running:
            for line in running.stdout or ():
                print(line, end="", flush=True)
                if header := HEADER.match(line):
                    part = found.setdefault(header["dtype"], {}).setdefault(
                        name, {"limits": header["limits"], "kernels": []}
                    )
                elif line.strip() and part:
                    shares = [float(x) for x in PERCENT.findall(line)]
                    part["kernels"].append({"line": " ".join(line.split()), "percent": shares})
        if running.returncode:
            raise SystemExit(f"{name} --bench {isa} failed")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description="Every kernel as a share of its limit.")
    parser.add_argument(
        "isa", nargs="?", choices=cnn.cpu.available(), help="this instruction set alone; writes no result"
    )
    only = parser.parse_args().isa
    isas = [only] if only else [i for i in cnn.cpu.available() if i in ("avx2", cnn.cpu.available()[-1])]
    results = {isa: bench(isa) for isa in isas}
    if only is None:
        common.write("kernels", {"machine": common.machine(), "results": results})
    return 0


if __name__ == "__main__":
    sys.exit(main())
