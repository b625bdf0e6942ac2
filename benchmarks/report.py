"""A result of run.py as Markdown."""

from __future__ import annotations

from typing import Any

import machine
import peers


def seconds(value: float) -> str:
    """With a unit that fits."""
    for unit, factor in (("s", 1.0), ("ms", 1e3), ("us", 1e6)):
        if value * factor >= 1:
            return f"{value * factor:.3g} {unit}"
    return f"{value * 1e9:.3g} ns"


def figure(found: dict[str, Any], value: float) -> str:
    """A time; for predictions of many rows the rows a second, too."""
    if found["kind"] == "predict" and found["batch"] > 1:
        return f"{seconds(value)} ({found['batch'] / value:,.0f} rows/s)"
    return seconds(value)


def table(header: list[str], rows: list[list[str]]) -> list[str]:
    """Lines of Markdown."""
    lines = ["| " + " | ".join(cells) + " |" for cells in (header, *rows)]
    return ["", lines[0], "|" + "---|" * len(header), *lines[1:]]


def setting(variant: dict[str, Any]) -> str:
    """What a library was told, in words."""
    shown = {k: v for k, v in variant.items() if k != "cycle" and v is not False}
    return ", ".join(f"{v} thread{'s' * (v > 1)}" if k == "threads" else f"{k} {v}" for k, v in shown.items())


def _measured(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {name: e for name, e in found["entries"].items() if "best" in e}


def _best_variant(entry: dict[str, Any]) -> dict[str, Any]:
    best: dict[str, Any] = min(entry["variants"], key=lambda v: v["best"])
    return best


def best_peer(found: dict[str, Any]) -> tuple[str, dict[str, Any]] | None:
    """The fastest library that is not ours."""
    rivals = {name: e for name, e in _measured(found).items() if name not in peers.NOT_PEERS}
    return min(rivals.items(), key=lambda item: item[1]["best"]) if rivals else None


def limit_of(found: dict[str, Any]) -> tuple[float, str]:
    """The hand-written loop where there is one; else the machine's, for as many threads as ours used."""
    measured = _measured(found)
    if peers.LIMIT in measured:
        return measured[peers.LIMIT]["best"], "hand-written C loop"
    threads = _best_variant(measured[peers.OURS])["variant"]["threads"]
    limit = found["limits"].get(f"threads_{threads}") or found["limits"]["threads_1"]
    return limit["seconds"], limit["by"]


def shares(found: dict[str, Any], ours: float) -> str:
    """How much of what is possible was reached."""
    limit, by = limit_of(found)
    said = f"{100 * limit / ours:.0f} % of the {by}"
    whole = found["limits"].get("threads_2")
    if whole and by.endswith("1 thread"):
        said += f"; {100 * whole['seconds'] / ours:.0f} % of the {whole['by']}"
    return said + (" (more than all: that limit was taken in a slow moment)" if limit / ours > 1.05 else "")


def verdict(found: dict[str, Any]) -> list[str]:
    """Each bar, with what was reached."""
    measured = _measured(found)
    ours = measured[peers.OURS]["best"]
    limit, by = limit_of(found)
    said = []
    for against, bar in found["bars"].items():
        peer = best_peer(found) if against == "best" else (against, measured.get(against))
        if peer is None or peer[1] is None:
            said.append(f"{against}: not measured")
            continue
        ratio = peer[1]["best"] / ours
        at_limit = limit / ours >= 0.85 and against != peers.LIMIT and "C loop" not in by
        met = "met" if ratio >= bar else f"at 85 % of the {by}" if at_limit else "MISSED"
        if against == peers.LIMIT:
            said.append(f"at most {1 / bar:.3g}x the C loop: {1 / ratio:.2f}x, {met}")
        else:
            said.append(f"{bar:g}x {'the best' if against == 'best' else against}: {ratio:.3g}x, {met}")
    return said or ["-"]


def _overview(result: dict[str, Any]) -> list[str]:
    rows = []
    for found in result["workloads"].values():
        measured = _measured(found)
        if peers.OURS not in measured:
            rows.append([found["title"], "not measured", "", "", "", "", ""])
            continue
        ours = measured[peers.OURS]["best"]
        peer = best_peer(found)
        rows.append(
            [
                found["title"],
                figure(found, ours),
                f"{measured[peer[0]]['title']}: {figure(found, peer[1]['best'])}" if peer else "none",
                f"{peer[1]['best'] / ours:.3g}x" if peer else "",
                "; ".join(verdict(found)),
                shares(found, ours),
                f"{found['state']} ({', '.join(f'{n} {name}' for name, n in found['states'].items())})",
            ]
        )
    header = [
        "workload",
        "cnn",
        "best peer",
        "best peer / cnn",
        "bars",
        "share of the limit",
        "machine state (all met)",
    ]
    return table(header, rows)


def _note(entry: dict[str, Any]) -> str:
    agreement = entry.get("agreement", {})
    notes = []
    if "relative_difference" in agreement:
        notes.append(f"loss after {agreement['steps']} steps within {agreement['relative_difference']:.1g}")
    if "largest_difference" in agreement:
        notes.append(f"outputs within {agreement['largest_difference']:.1g}")
    if "loss" in agreement:
        notes.append(f"trains {agreement['loss'].replace('_', ' ')}")
    return ", ".join(notes)


def _workload(found: dict[str, Any]) -> list[str]:
    lines = ["", f"### {found['title']}"]
    if "commit" in found:  # a result may have been put together from several runs
        lines += ["", f"cnn at {found['commit']}, {found['date']}."]
    measured = _measured(found)
    ours = measured.get(peers.OURS, {}).get("best")
    rows = []
    for name, entry in sorted(found["entries"].items(), key=lambda item: item[1].get("best", float("inf"))):
        if "best" in entry:
            ratio = f"{entry['best'] / ours:.3g}" if ours else ""
            variant = setting(_best_variant(entry)["variant"])
            times = [figure(found, entry["best"]), seconds(entry["median"])]
            rows.append([entry["title"], *times, ratio, variant, _note(entry)])
        elif name not in peers.NOT_PEERS:
            what = {"cannot": "does not take part", "failed": "failed", "disagrees": "disagrees"}[entry["status"]]
            rows.append([entry["title"], what, "", "", "", entry.get("reason", "")])
    header = ["library", f"best, a {found['unit']}", "median", "times cnn", "setting", "agreement"]
    return lines + table(header, rows)


def _megabytes(value: Any) -> str:
    return f"{value / 1e6:.3g}" if value else ""


def _footprint(found: dict[str, Any]) -> list[str]:
    rows = []
    for name, v in found.items():
        if "failed" in v:
            rows.append([name, "failed", "", "", "", "", v["failed"]])
            continue
        keys = ("wheel_bytes", "installed_bytes", "installed_with_needs_bytes", "memory_bytes")
        sizes = [_megabytes(v.get(k)) for k in keys]
        rows.append([name, f"{v['import_ms']:.0f}", f"{v['import_ms_median']:.0f}", *sizes])
    sizes = ["wheel, MB", "installed, MB", "with what it needs, MB", "memory after import, MB"]
    header = ["library", "import, ms (best)", "median", *sizes]
    return ["", "### Import, size, memory", *table(header, rows)]


def _memory(result: dict[str, Any]) -> list[str]:
    rows = []
    for found in result["workloads"].values():
        for entry in found["entries"].values():
            if "memory" in entry and found["kind"] == "train":
                peak = entry["memory"]["peak"]
                above = peak - entry["memory"]["before_import"]
                rows.append([found["title"], entry["title"], _megabytes(peak), _megabytes(above)])
    header = ["workload", "library", "peak, MB", "above Python with NumPy, MB"]
    title = "### Memory of the process, training data (the same for all) included"
    return ["", title, *table(header, rows)] if rows else []


def _limits(limits: dict[str, Any]) -> list[str]:
    keys = [("fma_f32_gflops", "float32 multiply-adds, GFLOP/s"), ("fma_f64_gflops", "float64 multiply-adds, GFLOP/s")]
    keys += [(f"{c}_{k}_gb", f"{c.upper()} {k}, GB/s") for c in ("l1", "l2", "l3", "dram") for k in ("read", "update")]
    threads = [n for n in (1, 2) if f"threads_{n}" in limits]
    rows = [[title, *(f"{limits[f'threads_{n}'][key]:g}" for n in threads)] for key, title in keys]
    return table(["measured limit", *(f"{n} thread{'s' * (n > 1)}" for n in threads)], rows)


def markdown(result: dict[str, Any]) -> str:
    """The whole report."""
    h = result["host"]
    versions: dict[str, str] = {}
    isa = ""
    for found in result["workloads"].values():
        for entry in found["entries"].values():
            versions |= entry.get("versions", {})
            isa = entry.get("information", {}).get("isa", isa)
    said = ", ".join(f"{k} {v}" for k, v in sorted(versions.items()))
    hardware = f"{h['cpu']}, {h['cpus']} CPUs, {h['system']}, {h['memory_bytes'] / 2**30:.0f} GiB"
    rounds = result["effort"]["rounds"]
    lines = [
        "# cnn and its peers",
        "",
        f"{hardware}; Python {h['python']}; {h['compiler']}. cnn at {h['commit']}, {isa or 'not run'}. {said}. {h['date']}.",
        "",
        f"Best of {rounds} rounds in which all take turns, each library in its own process at the best of its documented settings;",
        "only rounds before and after which the machine was in the same state, the usual one of that workload, where there are such.",
        "Made by `make bench-peers`.",
        *_overview(result),
        "",
        "States: " + "; ".join(f"*{k}*: {v}" for k, v in machine.STATES.items()) + ".",
        *_limits(result["limits"]),
    ]
    for found in result["workloads"].values():
        lines += _workload(found)
    lines += _memory(result)
    if "footprint" in result:
        lines += _footprint(result["footprint"])
    return "\n".join(lines) + "\n"
