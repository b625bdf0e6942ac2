# The record of a model file: the bytes of its tensor "__cnn__" (docs/format.md).
#
# The record is all that a network is but the values of its blocks, and everything else in the file (header, metadata, order and places of
# the tensors) follows from it. So a Model, what one file holds, is made either from a network (model_encode) or from a record
# (model_parse), and described in the same words either way (model_describe): writing is Model to file, reading checks that the file is
# the one that its Model would be written as.
#
# Bytes are hostile until then. They are read through a Cursor, which never leaves them, and counts are bounded before memory is taken.

cdef extern from "cnn/cnn.h" nogil:
    uint32_t cnn_version_number()

cdef extern from "engine_file.h" nogil:
    ctypedef struct cnn_extra:
        const char *name
        cnn_tensor tensor
    ctypedef struct cnn_extras:
        pass

cdef enum:
    RECORD_VERSION = 1
    RECORD_FEATURES = 0    # the required-feature bits that this engine has
    RECORD_NETWORK = 1     # kinds
    RECORD_STATE = 2       # extras alone, for a network with the same fingerprint
    RECORD_END = 8         # bytes of the checksum at the end
    MAX_NODES = 16384      # this and the next: names are compared with one another, which hostile files must not make slow
    MAX_EXTRAS = 1024
    MAX_NOTES = 4096
    MAX_NODE_OUTPUTS = 16
    OWN_NOTES = 3          # format, cnn.version, cnn.architecture

cdef struct RecordHead:    # as it lies in the file: little-endian, like the machine (model_machine)
    uint8_t magic[8]
    uint32_t version, kind
    uint64_t features      # bits; a reader that does not know all of them must refuse
    uint64_t length        # of the record, a multiple of 64
    uint64_t data_checksum  # chained over the blocks, then the extras
    uint64_t fingerprint   # of dtype and graph
    uint64_t seed
    uint32_t dtype, writer
    uint32_t n_outputs, n_nodes, n_blocks, n_extras, n_notes, zero

cdef struct FileTensor:    # a block or an extra
    const char *name
    int32_t dtype, rank
    size_t dims[MAX_RANK]
    size_t bytes
    size_t offset          # from the end of the record
    const void *data
    int32_t kind, trainable                # of a block, and so are these:
    double lr_scale, l1, l2, max_norm

cdef struct Model:
    const cnn_allocator *allocator
    cnn_error *error
    cnn_status refusal     # what a wrong name or size is: CNN_E_ARGUMENT in writing, CNN_E_FILE in reading
    RecordHead head
    const uint8_t *record
    size_t length
    const uint8_t *graph   # in the record: outputs, then nodes
    size_t graph_bytes
    size_t data_bytes      # of all blocks and extras
    uint8_t *made          # the record, where model_encode made it
    FileTensor *tensors    # blocks, then extras
    size_t n_tensors
    cnn_file_note *notes   # ours, then the network's
    size_t n_notes
    cnn_file_tensor *files  # as they lie in the file, the record first
    char *architecture
    char writer[40]


# ---- Writing bytes -----------------------------------------------------------------------------------------------------------------

cdef struct Sink:          # everything is written twice: with at NULL it only counts
    uint8_t *at
    size_t n

cdef void sink_bytes(Sink *s, const void *bytes, size_t n) noexcept nogil:
    if s.at != NULL and n:
        memcpy(s.at + s.n, bytes, n)
    s.n += n

cdef void sink_u32(Sink *s, uint32_t x) noexcept nogil:
    sink_bytes(s, &x, 4)

cdef void sink_u64(Sink *s, uint64_t x) noexcept nogil:
    sink_bytes(s, &x, 8)

cdef void sink_f64(Sink *s, double x) noexcept nogil:
    sink_bytes(s, &x, 8)

cdef void sink_text(Sink *s, const char *text) noexcept nogil:
    cdef size_t n = strlen(text)
    sink_u32(s, <uint32_t>n)
    sink_bytes(s, text, n + 1)


# ---- Reading bytes -----------------------------------------------------------------------------------------------------------------

cdef struct Cursor:
    const uint8_t *at      # NULL, for good, once something was not as it must be
    size_t left

cdef const uint8_t *cursor_take(Cursor *c, size_t count, size_t item) noexcept nogil:
    cdef const uint8_t *at = c.at
    if at == NULL or count > c.left // item:
        c.at = NULL
        return NULL
    c.at += count * item
    c.left -= count * item
    return at

cdef uint32_t cursor_u32(Cursor *c) noexcept nogil:
    cdef uint32_t x = 0
    cdef const uint8_t *at = cursor_take(c, 1, 4)
    if at != NULL:
        memcpy(&x, at, 4)
    return x

cdef uint64_t cursor_u64(Cursor *c) noexcept nogil:
    cdef uint64_t x = 0
    cdef const uint8_t *at = cursor_take(c, 1, 8)
    if at != NULL:
        memcpy(&x, at, 8)
    return x

cdef double cursor_f64(Cursor *c) noexcept nogil:
    cdef uint64_t bits = cursor_u64(c)
    cdef double x
    memcpy(&x, &bits, 8)
    return x

cdef const char *cursor_text(Cursor *c) noexcept nogil:
    """Where the text lies: UTF-8, ended by its only 0."""
    cdef uint32_t n = cursor_u32(c)
    cdef const uint8_t *at = cursor_take(c, n, 1)
    cdef const uint8_t *end = cursor_take(c, 1, 1)
    if end == NULL or end[0] != 0 or strlen(<const char *>at) != n or not is_utf8(<const char *>at):
        c.at = NULL
        return ""
    return <const char *>at

cdef int is_utf8(const char *text) noexcept nogil:
    """Without overlong forms, surrogates, or anything above U+10FFFF: JSON readers take no other."""
    cdef const uint8_t *p = <const uint8_t *>text
    cdef uint32_t point, least
    cdef int more
    while p[0]:
        if p[0] < 0x80:
            point, more, least = p[0], 0, 0
        elif p[0] >> 5 == 6:
            point, more, least = p[0] & 0x1f, 1, 0x80
        elif p[0] >> 4 == 14:
            point, more, least = p[0] & 0x0f, 2, 0x800
        elif p[0] >> 3 == 30:
            point, more, least = p[0] & 0x07, 3, 0x10000
        else:
            return 0
        p += 1
        while more:
            if p[0] & 0xc0 != 0x80:
                return 0
            point = point << 6 | (p[0] & 0x3f)
            p += 1
            more -= 1
        if point < least or point > 0x10ffff or 0xd800 <= point < 0xe000:
            return 0
    return 1


# ---- Nodes -------------------------------------------------------------------------------------------------------------------------

cdef struct NodeRecord:
    uint32_t op, n_outputs, n_inputs, n_attributes
    const uint8_t *inputs  # n_inputs int32_t, unaligned

cdef struct AttributeRecord:
    int32_t key
    int type               # attribute_type; -1: a key that this engine does not know
    int64_t integer
    double number
    const char *text
    const uint8_t *list    # count int64_t, unaligned
    uint32_t count

cdef int32_t record_i32(const uint8_t *array, size_t i) noexcept nogil:
    cdef int32_t x
    memcpy(&x, array + 4 * i, 4)
    return x

cdef int64_t record_i64(const uint8_t *array, size_t i) noexcept nogil:
    cdef int64_t x
    memcpy(&x, array + 8 * i, 8)
    return x

cdef void cursor_node(Cursor *c, NodeRecord *node) noexcept nogil:
    node.op = cursor_u32(c)
    node.n_outputs = cursor_u32(c)
    node.n_inputs = cursor_u32(c)
    node.inputs = cursor_take(c, node.n_inputs, 4)
    node.n_attributes = cursor_u32(c)

cdef void cursor_attribute(Cursor *c, AttributeRecord *a) noexcept nogil:
    memset(a, 0, sizeof(AttributeRecord))
    a.key = <int32_t>cursor_u32(c)
    a.type = attribute_type(a.key)
    if a.type == 0:
        a.integer = <int64_t>cursor_u64(c)
    elif a.type == 1:
        a.number = cursor_f64(c)
    elif a.type == 2:
        a.text = cursor_text(c)
    elif a.type == 3:
        a.count = cursor_u32(c)
        a.list = cursor_take(c, a.count, 8)

cdef int sink_attribute(Sink *s, const Graph *g, const Node *node, int32_t key) noexcept nogil:
    """1 if the node has it. Every node is written with its name, so that it is called the same when it is built again."""
    cdef const Attribute *a = attribute(g, node, key)
    cdef int type = attribute_type(key)
    cdef size_t i
    if a == NULL and key != CNN_ATTRIBUTE_NAME:
        return 0
    sink_u32(s, <uint32_t>key)
    if key == CNN_ATTRIBUTE_NAME:
        sink_text(s, node_name(g, node))
    elif type == 0:
        sink_u64(s, <uint64_t>a.integer)
    elif type == 1:
        sink_f64(s, a.number)
    elif type == 2:
        sink_text(s, g.text + a.text)
    else:
        sink_u32(s, <uint32_t>a.count)
        for i in range(a.count):
            sink_u64(s, <uint64_t>g.ints[a.first + i])
    return 1

cdef void sink_graph(Sink *s, const Graph *g) noexcept nogil:
    cdef size_t i
    cdef int32_t key
    cdef uint32_t found
    cdef const Node *node
    cdef Sink nowhere
    for i in range(g.n_outputs):
        sink_u32(s, <uint32_t>g.outputs[i])
    for i in range(g.n_nodes):
        node = &g.nodes[i]
        sink_u32(s, <uint32_t>node.op)
        sink_u32(s, <uint32_t>node.n_outputs)
        sink_u32(s, <uint32_t>node.n_inputs)
        sink_bytes(s, g.links + node.inputs, <size_t>node.n_inputs * 4)
        memset(&nowhere, 0, sizeof(nowhere))
        found = 0
        for key in range(CNN_ATTRIBUTE_END):
            found += <uint32_t>sink_attribute(&nowhere, g, node, key)
        sink_u32(s, found)
        for key in range(CNN_ATTRIBUTE_END):
            sink_attribute(s, g, node, key)


# ---- The architecture as JSON: for people and other tools, made from the record alone ----------------------------------------------

cdef void json(Sink *s, const char *plain) noexcept nogil:
    sink_bytes(s, plain, strlen(plain))

cdef void json_text(Sink *s, const char *text) noexcept nogil:
    cdef const uint8_t *p = <const uint8_t *>text
    cdef uint8_t escape[6]
    memcpy(escape, b"\\u0000", 6)
    json(s, "\"")
    while p[0]:
        if p[0] < 32:
            escape[4] = 48 + (p[0] >> 4)
            escape[5] = (48 if p[0] & 15 < 10 else 87) + (p[0] & 15)
            sink_bytes(s, escape, 6)
        else:
            if p[0] == 34 or p[0] == 92:  # " and \
                json(s, "\\")
            sink_bytes(s, p, 1)
        p += 1
    json(s, "\"")

cdef void json_integer(Sink *s, int64_t x) noexcept nogil:
    cdef char digits[24]
    cnn_format(digits, sizeof(digits), "%l", x)
    json(s, digits)

cdef void json_number(Sink *s, double x) noexcept nogil:
    """The shortest digits that read back the same. JSON has no infinities and NaNs: they are text."""
    cdef char digits[40]
    cnn_format(digits, sizeof(digits), b"%g" if x - x == 0 else b"\"%g\"", x)
    json(s, digits)

cdef const char *code_name(int32_t key, int64_t code) noexcept nogil:
    """The name of an attribute's code, NULL where it is a plain number."""
    if code < 0 or code > 1000:
        return NULL
    if key == CNN_ATTRIBUTE_ACTIVATION:
        return activation_name(<int32_t>code)
    if key == CNN_ATTRIBUTE_INIT or key == CNN_ATTRIBUTE_BIAS_INIT:
        return init_name(<int32_t>code)
    if key == CNN_ATTRIBUTE_DTYPE and dtype_size(<int32_t>code):
        return dtype_name(<int32_t>code)
    return NULL

cdef void json_attribute(Sink *s, const AttributeRecord *a) noexcept nogil:
    cdef const char *name = code_name(a.key, a.integer)
    cdef uint32_t i
    json_text(s, attribute_name(a.key))
    json(s, ":")
    if a.type == 0 and name != NULL:
        json_text(s, name)
    elif a.type == 0:
        json_integer(s, a.integer)
    elif a.type == 1:
        json_number(s, a.number)
    elif a.type == 2:
        json_text(s, a.text)
    else:
        json(s, "[")
        for i in range(a.count):
            if i:
                json(s, ",")
            json_integer(s, record_i64(a.list, i))
        json(s, "]")

cdef void json_node(Sink *s, Cursor *c, int64_t *value) noexcept nogil:
    cdef NodeRecord node
    cdef AttributeRecord a
    cdef uint32_t i
    cursor_node(c, &node)
    json(s, "{\"op\":")
    json_text(s, op_name(<int32_t>node.op))
    json(s, ",\"inputs\":[")
    for i in range(node.n_inputs):
        if i:
            json(s, ",")
        json_integer(s, record_i32(node.inputs, i))
    json(s, "],\"outputs\":[")
    for i in range(node.n_outputs):
        if i:
            json(s, ",")
        json_integer(s, value[0])
        value[0] += 1
    json(s, "],\"attributes\":{")
    for i in range(node.n_attributes):
        if i:
            json(s, ",")
        cursor_attribute(c, &a)
        json_attribute(s, &a)
    json(s, "}}")

cdef void json_architecture(Sink *s, const Model *m) noexcept nogil:
    cdef Cursor c
    cdef int64_t value = 0
    cdef size_t i
    cdef const FileTensor *t
    c.at = m.graph + 4 * <size_t>m.head.n_outputs
    c.left = m.graph_bytes - 4 * <size_t>m.head.n_outputs
    json(s, "{\"dtype\":")
    json_text(s, dtype_name(<int32_t>m.head.dtype))
    json(s, ",\"nodes\":[")
    for i in range(m.head.n_nodes):
        if i:
            json(s, ",")
        json_node(s, &c, &value)
    json(s, "],\"outputs\":[")
    for i in range(m.head.n_outputs):
        if i:
            json(s, ",")
        json_integer(s, record_i32(m.graph, i))
    json(s, "],\"parameters\":[")
    for i in range(m.head.n_blocks):
        t = &m.tensors[i]
        if i:
            json(s, ",")
        json(s, "{\"name\":")
        json_text(s, t.name)
        json(s, ",\"kind\":")
        json_text(s, b"weight" if t.kind == CNN_BLOCK_WEIGHT else b"buffer" if t.kind == CNN_BLOCK_BUFFER else b"constant")
        json(s, b",\"trainable\":true}" if t.trainable else b",\"trainable\":false}")
    json(s, "]}")
