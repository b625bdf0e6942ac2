"""Writes a stub Python.h, so that the engine's generated C compiles with a C11 compiler alone.

The engine has no Python in any function that runs; Cython still wraps it in a module (its initialisation, traceback helpers), which is
static, unreached, and dropped by the compiler. To get that far the names in it need only *some* meaning: a few types are spelled out,
and every other name of Python's becomes the constant 0. Where the compiler can tell (GCC, Clang), a function that is kept and still
calls Python is a compile error that names it: the rule "the engine touches no Python object" is checked by every build.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

TYPES = """\
#define Py_PYTHON_H
#define PY_MAJOR_VERSION 3
#define PY_MINOR_VERSION 11
#define PY_VERSION_HEX 0x030B0000
#define Py_Version 0x030B0000UL
#define Py_LIMITED_API 0x030B0000
#define CYTHON_LIMITED_API 1

#include <assert.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef ptrdiff_t Py_ssize_t, Py_hash_t;
typedef uint32_t Py_UCS4;
typedef struct PyObject { Py_ssize_t ob_refcnt; } PyObject;
typedef struct PyTypeObject PyTypeObject;
typedef struct PyThreadState PyThreadState;
typedef struct PyInterpreterState PyInterpreterState;
typedef struct PyCodeObject PyCodeObject;
typedef struct PyFrameObject PyFrameObject;
typedef void *PyThread_type_lock;
typedef int PyGILState_STATE;
typedef enum { PYGEN_RETURN, PYGEN_ERROR = -1, PYGEN_NEXT = 1 } PySendResult;
typedef PyObject *(*PyCFunction)(PyObject *, PyObject *);
typedef struct { const char *ml_name; PyCFunction ml_meth; int ml_flags; const char *ml_doc; } PyMethodDef;
typedef struct { int slot; void *value; } PyModuleDef_Slot;
typedef struct PyModuleDef { int base; const char *name, *doc; Py_ssize_t size; PyMethodDef *methods; PyModuleDef_Slot *slots; void *traverse, *clear, *free; } PyModuleDef;
typedef int (*visitproc)(PyObject *, void *);
#define PyModuleDef_HEAD_INIT 0
#define PyMODINIT_FUNC static CNN_STUB_UNUSED PyObject *
#define PyCFunction_GetFunction(function) ((PyCFunction)0)
#define PY_SSIZE_T_MAX PTRDIFF_MAX
#define PY_INT64_T int64_t
#define PY_LONG_LONG long long
#define Py_mod_create 1
#define Py_mod_exec 2
#define Py_LT 0
#define Py_LE 1
#define Py_EQ 2
#define Py_NE 3
#define Py_GT 4
#define Py_GE 5
#define METH_VARARGS 1
#define METH_KEYWORDS 2
#define METH_NOARGS 4
#define METH_O 8
#define METH_FASTCALL 128
"""

CHECK = """\
#if defined(__GNUC__)
#pragma GCC diagnostic ignored "-Wint-conversion"
#pragma GCC diagnostic ignored "-Wint-to-pointer-cast"
#define CNN_STUB_UNUSED __attribute__((unused))
#ifdef __has_attribute
#if __has_attribute(error)
int cnn_stub(void) __attribute__((error("the engine calls Python here")));
#define CNN_STUB (cnn_stub(), 0)
#endif
#endif
#else
#define CNN_STUB_UNUSED
#endif
#ifndef CNN_STUB
#define CNN_STUB 0
#endif
"""

# Headers that the generated C includes beside Python.h; they exist, and are empty.
HEADERS = ("compile.h", "frameobject.h", "traceback.h", "pythread.h", "structmember.h", "internal/pycore_frame.h")


def python_h(c: str) -> str:
    c = re.sub(r'/\*.*?\*/|"(?:\\.|[^"\\\n])*"', " ", c, flags=re.S)
    names = set(re.findall(r"\b_?Py[A-Z_]\w*", c))
    called = set(re.findall(r"\b(_?Py[A-Z_]\w*)\s*\(", c))
    defined = set(re.findall(r"^\s*#\s*define\s+(\w+)", c, flags=re.M)) | set(re.findall(r"\w+", TYPES))
    defined |= set(re.findall(r"(?:#\s*ifn?def\s+|defined\s*\(?\s*)(\w+)", c))  # asked for: better absent
    defined -= set(re.findall(r"!\s*defined\s*\(?\s*(Py\w+)", c))
    lines = []
    for name in sorted(names - defined):
        if name.startswith("PyInit_"):
            continue
        if name in called:
            lines.append(f"#define {name}(...) CNN_STUB")
        elif name.endswith("_Type"):
            lines.append(f"#define {name} (*(PyTypeObject *)0)")
        else:
            lines.append(f"#define {name} ((PyObject *)0)")
    note = (
        "/* Made by tools/stub_python.py: Python's names, as far as the engine's C mentions them, meaning nothing. */\n"
    )
    return (
        "\n".join([note + "#ifndef CNN_STUB_PYTHON_H\n#define CNN_STUB_PYTHON_H", TYPES, CHECK, *lines, "#endif"])
        + "\n"
    )


def write(c_file: Path, folder: Path) -> None:
    for name in HEADERS:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("/* empty: see Python.h here */\n", encoding="utf-8")
    (folder / "Python.h").write_text(python_h(c_file.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]), Path(sys.argv[2]))
