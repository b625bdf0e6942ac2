"""Builds `cnn._core` and `libcnn.a`. What is made of what, and why, is in docs/building.md.

csrc/Makefile compiles the machine floor and the engine once; the same objects go into the extension and into the
library. Where there is no make (Windows), the compiler of setuptools is given the same files.
"""

import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.sdist import sdist

HERE = Path(__file__).resolve().parent
CSRC = HERE / "csrc"
FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))  # has no Limited API: a wheel of its own
LIMITED_API = [] if FREE_THREADED else [("Py_LIMITED_API", "0x030B0000")]


def generate() -> None:
    """Makes what is made, where it is older than its sources; an sdist's is taken as it is when Cython is absent."""
    try:
        import Cython  # noqa: F401
    except ImportError:
        if (CSRC / "generated" / "core.c").exists():
            return
        raise SystemExit("Cython is needed to build from a git checkout: pip install cython") from None
    run([sys.executable, str(HERE / "tools" / "generate.py"), "--core"])


def run(command: list[str]) -> None:
    # MAKEFLAGS of a `make` above us would pass on its job server, which we have not been given.
    if subprocess.run(command, env={k: v for k, v in os.environ.items() if k != "MAKEFLAGS"}, check=False).returncode:
        raise SystemExit(f"failed: {shlex.join(command)}")


class BuildExt(build_ext):
    """One extension, from objects that are each rebuilt only when their own inputs changed."""

    def run(self) -> None:
        self.in_place = bool(self.inplace or self.editable_mode)  # setuptools clears `inplace` while it runs
        super().run()

    def build_extension(self, ext: Extension) -> None:
        generate()
        output = Path(self.get_ext_fullpath(ext.name))
        output.parent.mkdir(parents=True, exist_ok=True)
        if sys.platform == "win32":
            objects, library = self.compile_here(ext)
        else:
            objects, library = self.compile_by_make()
        if self.force or not output.exists() or any(o.stat().st_mtime > output.stat().st_mtime for o in objects):
            self.compiler.link_shared_object(
                [str(o) for o in objects],
                str(output),
                export_symbols=self.get_export_symbols(ext),
                extra_postargs=self.link_flags(ext),
                build_temp=self.build_temp,
                target_lang="c",
            )
        package = HERE / "src" / "cnn" if self.in_place else output.parent
        target = package / "lib" / library.name  # what cnn.get_library() names
        target.parent.mkdir(exist_ok=True)
        shutil.copy2(library, target)

    def compile_by_make(self) -> tuple[list[Path], Path]:
        # In place, the objects are those of `make -C csrc`; a wheel has its own: its processor may be another.
        build = CSRC / "build" if self.in_place else Path(self.build_temp).resolve() / "csrc"
        python = [f"-I{path}" for path in self.compiler.include_dirs]
        python += [f"-D{name}={value}" for name, value in LIMITED_API]
        flags = " ".join(filter(None, (os.environ.get("CFLAGS"), os.environ.get("ARCHFLAGS"))))
        jobs = self.parallel or os.cpu_count() or 1
        command = ["make", "-C", str(CSRC), f"-j{jobs}", "--no-print-directory", "FRESH=1"]
        core = build / (sysconfig.get_config_var("SOABI") or "python") / "core.o"
        # Relative, as make's own is: the lists of what objects depend on name them so.
        places = [f"BUILD={os.path.relpath(build, CSRC)}", f"CORE={os.path.relpath(core, CSRC)}"]
        command += [*places, f"CFLAGS={flags}", f"CORE_FLAGS={shlex.join(python)}"]
        command += ["static", "core"]
        run(command)
        names = sorted(p.relative_to(CSRC) for folder in ("core", "isa") for p in (CSRC / folder).glob("*.c"))
        objects = [build / name.with_suffix(".o") for name in names]
        return [*objects, build / "engine.o", core], build / "libcnn.a"

    def compile_here(self, ext: Extension) -> tuple[list[Path], Path]:
        """The same with the compiler of setuptools, all of it each time."""
        generated = CSRC / "generated"
        floor = [str(p.relative_to(HERE)) for folder in ("core", "isa") for p in sorted((CSRC / folder).glob("*.c"))]
        include = [str(CSRC), str(HERE / "src" / "cnn" / "include"), str(HERE / "src" / "cnn" / "_core")]
        common = {"output_dir": self.build_temp, "extra_postargs": ["/std:c11", "/O2", "/fp:precise", "/Gy"]}
        macros = [("CNN_BUILD", None), ("CNN_STATIC", None)]
        library = self.compiler.compile(floor, macros=macros, include_dirs=include, **common)
        # `include_dirs` come before the compiler's own: the stub Python.h wins here, and is not seen by core.c.
        engine = os.path.relpath(generated / "engine.c", HERE)
        stub = str(generated / "python")
        library += self.compiler.compile([engine], macros=macros, include_dirs=[stub, *include], **common)
        core = os.path.relpath(generated / "core.c", HERE)
        core = self.compiler.compile([core], macros=macros + LIMITED_API, include_dirs=include, **common)
        self.compiler.create_static_lib(library, "cnn", output_dir=self.build_temp)
        return [Path(o) for o in library + core], Path(self.build_temp) / self.compiler.library_filename(
            "cnn", "static"
        )

    def link_flags(self, ext: Extension) -> list[str]:
        if sys.platform == "win32":
            return ["/OPT:REF", "/OPT:ICF"]
        temporary = Path(self.build_temp)
        temporary.mkdir(parents=True, exist_ok=True)
        if sys.platform == "darwin":
            names = temporary / "exports.txt"
            names.write_text("_PyInit__core\n", encoding="utf-8")
            return ["-Wl,-dead_strip", f"-Wl,-exported_symbols_list,{names}", "-Wl,-x"]
        names = temporary / "exports.map"
        names.write_text("{ global: PyInit__core; local: *; };\n", encoding="utf-8")
        return ["-Wl,--gc-sections", f"-Wl,--version-script={names}", "-s", "-lm", "-pthread"]


class Sdist(sdist):
    """Carries the generated C, so that `make -C csrc` needs a C compiler alone."""

    def run(self) -> None:
        generate()
        super().run()


setup(
    ext_modules=[
        Extension("cnn._core", ["csrc/generated/core.c"], py_limited_api=not FREE_THREADED),
    ],
    cmdclass={"build_ext": BuildExt, "sdist": Sdist},
    options={} if FREE_THREADED else {"bdist_wheel": {"py_limited_api": "cp311"}},
)
