"""Sphinx: `make docs`. The package is installed or built in place; its docstrings are NumPy's style."""

import re
from pathlib import Path

import cnn

project = "cnn"
author = "The cnn authors"
copyright = "2026, " + author
version = release = cnn.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.napoleon"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
html_theme = "alabaster"
html_theme_options = {
    "description": "Small neural networks at C speed",
    "page_width": "1100px",
    "sidebar_width": "220px",
}

myst_heading_anchors = 3
autosummary_generate = False  # reference.md has it all on one page
autodoc_typehints = "none"  # the docstrings say it in words
autodoc_member_order = "bysource"
napoleon_numpy_docstring = True
napoleon_google_docstring = False
napoleon_use_ivar = True


def escape_stars(app, what, name, obj, options, lines):
    """`(n, *input_shape)` in a docstring is no emphasis."""
    lines[:] = [re.sub(r"(?<![\w*`\\])\*(?=\w)", r"\\*", line) for line in lines]


def check_reference(app):
    """Every public name is in reference.md."""
    text = (Path(__file__).parent / "reference.md").read_text(encoding="utf-8")
    missing = [name for name in cnn.__all__ if not re.search(rf"\bcnn\.{name}\b", text)]
    if missing:
        raise RuntimeError(f"docs/reference.md lacks {', '.join(missing)}")


def setup(app):
    app.connect("autodoc-process-docstring", escape_stars, priority=900)  # behind napoleon
    app.connect("builder-inited", check_reference)
