# The bindings: Python's side of the engine. Everything that can be wrong is said here or by the engine, before any work; nothing that a
# caller passes may crash the interpreter. What is one network's or one call's state is a C struct of the engine; these classes hold it.
#
# Limited API 3.11: buffers by hand (buffers.pxi), no typed memoryviews, NumPy as a Python module.
import errno
import os

import cython
import numpy

from cython cimport floating
from libc.string cimport memcmp, memcpy, memset, strlen

include "cnn_types.pxi"
include "cnn_functions.pxi"
include "vocabulary_python.pxi"

cdef extern from "Python.h":
    unsigned long PyThread_get_thread_ident() noexcept nogil
    int PyErr_CheckSignals() except -1
    void PyErr_Clear()
    void *PyMem_Malloc(size_t n)
    void PyMem_Free(void *p)
    bytes PyBytes_FromStringAndSize(const char *v, Py_ssize_t n)
    object PyObject_Call(object f, object args, void *kwargs)

include "errors.pxi"
include "buffers.pxi"
include "machine.pxi"
include "augment.pxi"
include "hooks.pxi"
include "network_parts.pxi"
include "network.pxi"
include "session.pxi"
include "trainer.pxi"
include "fit.pxi"
include "fastcall.pxi"
