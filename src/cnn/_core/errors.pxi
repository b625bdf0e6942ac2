# Errors: the engine's status and sentence become Python's exceptions.

class BusyError(RuntimeError):
    """The network is being trained by another thread. net.copy(), made before, can be used meanwhile."""
    __module__ = "cnn"


class ModelFileError(ValueError):
    """Not a model file, a damaged one, or one for a newer version.

    foreign: it may be a safetensors file that another tool has rewritten."""
    __module__ = "cnn"
    foreign = False


# By the last words of csrc/core/file_system.h's sentences.
cdef dict PATH_ERRORS = {
    "no such file or directory": errno.ENOENT,
    "a part of the path is not a directory": errno.ENOTDIR,
    "it is a directory": errno.EISDIR,
    "permission denied": errno.EACCES,
    "a file of that name is there already": errno.EEXIST,
    "the file system is read-only": errno.EROFS,
    "no space left on the device": errno.ENOSPC,
    "the path is too long": errno.ENAMETOOLONG,
    "too many open files": errno.EMFILE,
}

# What a hook raised, by thread, until the engine has returned: hooks run on the thread that called the engine.
cdef dict pending = {}


cdef inline void fresh(cnn_error *error) noexcept nogil:
    error.size = sizeof(cnn_error)
    error.status = CNN_OK
    error.node = -1
    error.text[0] = 0


cdef inline size_t this_thread() noexcept nogil:
    return PyThread_get_thread_ident()


cdef object path_error(str sentence):
    cdef object number = PATH_ERRORS.get(sentence.rpartition("': ")[2])
    cdef object kind = OSError if number is None else type(OSError(number, ""))
    e = kind(sentence)
    e.errno = number
    return e


cdef int raise_pending() except -1:
    """What a hook of the call that has just ended on this thread raised."""
    cdef object e
    if pending:
        e = pending.pop(this_thread(), None)
        if e is not None:
            raise e
    return 0


cdef int keep_pending(object e) except -1:
    pending[this_thread()] = e
    return 0


cdef object error_of(cnn_status status, const cnn_error *error):
    cdef const char *text = cnn_status_message(status)
    cdef str sentence
    if error != NULL and error.text[0]:
        text = <char *>error.text
    sentence = text.decode("utf-8", "replace")
    if status == CNN_E_ARGUMENT or status == CNN_E_SHAPE or status == CNN_E_VALUE:
        return ValueError(sentence)
    if status == CNN_E_DTYPE:
        return TypeError(sentence)
    if status == CNN_E_NONFINITE:
        return FloatingPointError(sentence)
    if status == CNN_E_MEMORY:
        return MemoryError(sentence)
    if status == CNN_E_IO:
        return path_error(sentence)
    if status == CNN_E_FILE:
        return ModelFileError(sentence)
    if status == CNN_E_BUSY:
        return BusyError(sentence)
    return RuntimeError(sentence)


cdef int check(cnn_status status, const cnn_error *error) except -1:
    """Raises what the engine reports; what a hook raised comes first."""
    if status == CNN_OK:
        return 0
    raise_pending()
    raise error_of(status, error)


cdef object number_of(dict table, object name, str what):
    """The code of a name of cnn.h's lists."""
    code = table.get(name) if isinstance(name, str) else None
    if code is None:
        raise ValueError(f"{what} {name!r} is not known; there are {', '.join(table)}")
    return code


cdef str name_of(dict table, int code):
    for name, value in table.items():
        if value == code:
            return name
    return str(code)


cdef uint64_t seed_of(object seed) except? 0:
    if not 0 <= seed < 1 << 64:
        raise ValueError(f"seed is {seed}; it must be an integer from 0 to 2**64 - 1")
    return seed


cdef bytes path_of(object path):
    """UTF-8, as the engine takes it."""
    cdef str s = os.fsdecode(path)
    if "\0" in s:
        raise ValueError("the path has a null character in it")
    return s.encode("utf-8")
