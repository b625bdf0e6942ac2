"""The network of 1989: what examples/12_lecun1989.py reaches, kept. `make mnist-cnn` runs it, too.

    python benchmarks/lecun1989.py

Writes benchmarks/results/lecun1989.json; exit status 1 when the bar is missed.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from typing import Any

import common

BAR = "between the reproduction's 4.09 % and the paper's 5.00 % of the test digits misread, or fewer"
FIELDS = ("seed", "parameters", "train_percent", "test_percent", "us_a_sample")


def runs() -> list[dict[str, float]]:
    """The rows that the example prints."""
    found = []
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(
            [sys.executable, common.ROOT / "examples" / "12_lecun1989.py", folder],
            stdout=subprocess.PIPE,
            text=True,
        ) as running,
    ):
        for line in running.stdout or ():
            print(line, end="", flush=True)
            words = line.replace("%", "").split()
            if len(words) == len(FIELDS) and words[0].isdigit():
                found.append(dict(zip(FIELDS, map(float, words), strict=True)))
    if running.returncode or not found:
        raise SystemExit("examples/12_lecun1989.py failed")
    return found


def main() -> int:
    rows = runs()
    figure = statistics.mean(r["test_percent"] for r in rows)
    result: dict[str, Any] = {
        "title": "LeCun et al. 1989: 9,760 parameters, 16x16 digits, 23 passes of single samples",
        "bar": BAR,
        "figure": figure,
        "holds": figure <= 5.0,
        "runs": rows,
    }
    common.write("lecun1989", {"machine": common.machine(), "results": {"lecun1989": result}})
    return 0 if result["holds"] else 1


if __name__ == "__main__":
    sys.exit(main())
