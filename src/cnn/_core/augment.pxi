# Augmentation, as cnn.data.Augment says it.

cdef int augment_from(object spec, cnn_augment *how) except -1:
    """spec: a dict with the fields of cnn_augment; pairs are tuples."""
    memset(how, 0, sizeof(cnn_augment))
    how.size = sizeof(cnn_augment)
    how.flip_horizontal = spec["flip_horizontal"]
    how.flip_vertical = spec["flip_vertical"]
    how.shift[0], how.shift[1] = spec["shift"]
    how.fractional = spec["fractional"]
    how.crop[0], how.crop[1] = spec["crop"]
    how.rotate = spec["rotate"]
    how.scale[0], how.scale[1] = spec["scale"]
    how.noise = spec["noise"]
    how.fill = ("constant", "edge", "reflect").index(spec["fill"])
    how.fill_value = spec["fill_value"]
    return 0


def augment_images(spec, X, seed, uint64_t epoch, uint64_t step, dtype):
    """Images (n, channels, height, width) as training changes them in this epoch and step."""
    cdef cnn_augment how
    cdef cnn_error error
    cdef cnn_status status
    cdef uint64_t s = seed_of(seed)
    cdef cnn_dtype code = dtype_code(dtype)
    cdef Buffer images = take(X, "X")
    cdef object y = np_empty(shape_tuple(images.array.rank, images.array.dims), DTYPES[<int>code])
    cdef Buffer out = take_flat(y)
    augment_from(spec, &how)
    fresh(&error)
    with nogil:
        status = cnn_augment_images(&how, &images.array, s, epoch, step, code, out.view.buf, &error)
    check(status, &error)
    return y
