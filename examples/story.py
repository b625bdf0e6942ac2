"""What the numbered examples share: numbers that can be given on the command line, and pictures where matplotlib is installed."""

import argparse
from pathlib import Path


def arguments(text, **numbers):
    """The folder for pictures, and whole numbers such as ``--starts 200``, each with its usual value."""
    parser = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=Path("."), help="where the picture goes")
    for name, usual in numbers.items():
        parser.add_argument(f"--{name}", type=int, default=usual, help=f"usually {usual}")
    return parser.parse_args()


def panels(columns, rows=1, width=3.2, height=2.6):
    """A list of matplotlib's Axes on one new figure; an empty list where matplotlib is not installed."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        print("(no picture: pip install cnn[plot])")
        return []
    figure = Figure(figsize=(width * columns, height * rows), layout="constrained")
    return list(figure.subplots(rows, columns, squeeze=False).flat)


def save(axes, folder, name):
    """Write the figure of these axes as PNG, with few colours: a small file."""
    from io import BytesIO

    from PIL import Image  # comes with matplotlib

    data = BytesIO()
    axes[0].figure.savefig(data, dpi=90)
    folder.mkdir(parents=True, exist_ok=True)
    Image.open(data).convert("RGB").quantize(48, dither=Image.Dither.NONE).save(folder / name, optimize=True)
    print(f"picture: {folder / name}")
