# The two methods whose call is a large part of what they do.
#
# Under the Limited API of Python 3.11, Cython's methods with keywords are called by a tuple and a dict, made for each call. METH_FASTCALL is
# in that API: below it takes the usual calls as the caller has laid them out, and hands every other to Cython's method, whose signature,
# text and messages these are.

cdef extern from *:
    """
    #if defined(Py_LIMITED_API) && Py_LIMITED_API < 0x030C0000
    enum { CNN_CALLS_ARE_SLOW = 1 };
    #else
    enum { CNN_CALLS_ARE_SLOW = 0 };
    #endif
    """
    int CNN_CALLS_ARE_SLOW

cdef extern from "Python.h":
    ctypedef struct PyTypeObject:
        pass
    ctypedef void *PyCFunction
    ctypedef struct PyMethodDef:
        const char *ml_name
        PyCFunction ml_meth
        int ml_flags
        const char *ml_doc
    enum:
        METH_FASTCALL
        METH_KEYWORDS
    object PyDescr_NewMethod(PyTypeObject *type, PyMethodDef *method)
    Py_ssize_t PyTuple_Size(PyObject *tuple)
    PyObject *PyTuple_GetItem(PyObject *tuple, Py_ssize_t i)

cdef object predict_by_words = Network.predict
cdef object run_by_words = Session.run
cdef PyMethodDef predict_method, run_method
cdef list method_texts = []    # alive as long as the methods are


cdef object call_by_words(object method, object self, PyObject **args, Py_ssize_t n, PyObject *names):
    cdef list positional = [self]
    cdef dict words = {}
    cdef Py_ssize_t i
    for i in range(n):
        positional.append(<object>args[i])
    if names != NULL:
        for i in range(PyTuple_Size(names)):
            words[<object>PyTuple_GetItem(names, i)] = <object>args[n + i]
    return method(*positional, **words)


cdef inline bint is_out(PyObject *names):
    """The one keyword is out. A keyword that was not interned is none of the usual ones."""
    return PyTuple_Size(names) == 1 and PyTuple_GetItem(names, 0) == <PyObject *>"out"


cdef object fast_predict(object self, PyObject **args, Py_ssize_t n, PyObject *names):
    cdef Network net = <Network>self
    cdef object y
    if n == 1 and net.exact and (names == NULL or is_out(names)) and type(<object>args[0]) is ndarray:
        y = predict_exact(net, <object>args[0], None if names == NULL else <object>args[1])
        if y is not None:
            return y
    return call_by_words(predict_by_words, self, args, n, names)


cdef object fast_run(object self, PyObject **args, Py_ssize_t n, PyObject *names):
    if names == NULL and (n == 1 or n == 2):
        return (<Session>self).run_best(<object>args[0], <object>args[1] if n == 2 else None)
    if n == 1 and is_out(names):
        return (<Session>self).run_best(<object>args[0], <object>args[1])
    return call_by_words(run_by_words, self, args, n, names)


cdef int call_fast(object type_, PyMethodDef *method, const char *name, void *function) except -1:
    cdef object slow = getattr(type_, name.decode())
    cdef bytes text = f"{name.decode()}{slow.__text_signature__}\n--\n\n{slow.__doc__}".encode()
    method_texts.append(text)
    method.ml_name = name
    method.ml_meth = function
    method.ml_flags = METH_FASTCALL | METH_KEYWORDS
    method.ml_doc = text
    setattr(type_, name.decode(), PyDescr_NewMethod(<PyTypeObject *>type_, method))
    return 0


if CNN_CALLS_ARE_SLOW:
    call_fast(Network, &predict_method, b"predict", <void *>fast_predict)
    call_fast(Session, &run_method, b"run", <void *>fast_run)
