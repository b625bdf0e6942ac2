"""``cnn config``: what a C compiler needs."""

import argparse
import shlex
import sys

import cnn

from .console import Console, Usage


def run(options: argparse.Namespace, console: Console) -> int:
    """Print what was asked for, on one line, flags before libraries."""
    parts = []
    if options.version:
        parts.append(cnn.__version__)
    if options.include:
        parts.append(cnn.get_include())
    if options.library:
        parts.append(cnn.get_library())
    if options.cflags:
        parts.append(shlex.quote(f"-I{cnn.get_include()}"))
    if options.libs:
        more = [] if sys.platform == "win32" else ["-lm", "-pthread"]
        parts.append(" ".join([shlex.quote(cnn.get_library()), *more]))
    if not parts:
        raise Usage("say what you need: --cflags, --libs, --include, --library or --version")
    console.say(" ".join(parts))
    return 0
