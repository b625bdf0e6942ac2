# Models, what model files hold (model_record.pxi says more): made from a network, or from a record, and laid out as a file.

cdef const char *record_magic() noexcept nogil:
    return b"\x89cnn\r\n\x1a\n"

cdef cnn_status model_init(Model *m, const cnn_allocator *allocator, cnn_status refusal, cnn_error *error) noexcept nogil:
    """To be released whatever comes of it, and so after each of the functions below."""
    cdef uint16_t one = 1
    memset(m, 0, sizeof(Model))
    m.allocator = allocator
    m.refusal = refusal
    m.error = error
    if (<uint8_t *>&one)[0] != 1:
        return cnn_fail(error, CNN_E_UNSUPPORTED, "model files are little-endian, and this machine is not")
    return CNN_OK

cdef void model_release(Model *m) noexcept nogil:
    cnn_memory_release(m.made)
    cnn_memory_release(m.tensors)
    cnn_memory_release(m.notes)
    cnn_memory_release(m.files)
    cnn_memory_release(m.architecture)
    memset(m, 0, sizeof(Model))

cdef cnn_status model_no_memory(Model *m) noexcept nogil:
    return cnn_fail(m.error, CNN_E_MEMORY, "not enough memory for a model file")

cdef cnn_status model_make_room(Model *m) noexcept nogil:
    """For the tensors and notes that the head counts."""
    m.n_tensors = <size_t>m.head.n_blocks + m.head.n_extras
    m.n_notes = OWN_NOTES + <size_t>m.head.n_notes
    m.tensors = <FileTensor *>cnn_memory_new(m.allocator, (m.n_tensors + 1) * sizeof(FileTensor))
    m.files = <cnn_file_tensor *>cnn_memory_new(m.allocator, (m.n_tensors + 1) * sizeof(cnn_file_tensor))
    m.notes = <cnn_file_note *>cnn_memory_new(m.allocator, m.n_notes * sizeof(cnn_file_note))
    return CNN_OK if m.tensors != NULL and m.files != NULL and m.notes != NULL else model_no_memory(m)

cdef cnn_status model_measure(Model *m, FileTensor *t) noexcept nogil:
    """What reading refuses writing refuses too: a file that was written can be read."""
    cdef int32_t i
    cdef size_t total
    t.bytes = dtype_size(t.dtype)
    if t.bytes == 0 or t.rank < 0 or t.rank > MAX_RANK:
        return cnn_fail(m.error, m.refusal, "tensor '%s' has an unknown dtype or too many dimensions", t.name)
    for i in range(t.rank):
        if not cnn_size_mul(t.bytes, t.dims[i], &t.bytes):
            return cnn_fail(m.error, m.refusal, "tensor '%s' of shape %D does not fit in memory", t.name, <size_t>t.rank, t.dims)
    if t.trainable & ~1 or not (t.lr_scale >= 0 and t.l1 >= 0 and t.l2 >= 0 and t.max_norm >= 0):
        return cnn_fail(m.error, m.refusal, "parameter '%s' has a rate, a penalty or a bound that is negative or NaN", t.name)
    if not cnn_size_add(m.data_bytes, t.bytes, &total):
        return cnn_fail(m.error, m.refusal, "the tensors together do not fit in memory")
    m.data_bytes = total
    return CNN_OK


# ---- A Model from a network --------------------------------------------------------------------------------------------------------

cdef void model_write_record(Sink *s, const Model *m, const Graph *g) noexcept nogil:
    cdef size_t i, j
    cdef const FileTensor *t
    sink_bytes(s, &m.head, sizeof(RecordHead))
    if m.head.kind == RECORD_NETWORK:
        sink_graph(s, g)
    for i in range(m.n_tensors):
        t = &m.tensors[i]
        sink_text(s, t.name)
        sink_u32(s, <uint32_t>t.dtype)
        sink_u32(s, <uint32_t>t.rank)
        for j in range(<size_t>t.rank):
            sink_u64(s, t.dims[j])
        if i < m.head.n_blocks:
            sink_u32(s, <uint32_t>t.kind)
            sink_u32(s, <uint32_t>t.trainable)
            sink_f64(s, t.lr_scale)
            sink_f64(s, t.l1)
            sink_f64(s, t.l2)
            sink_f64(s, t.max_norm)
    for i in range(OWN_NOTES, m.n_notes):
        sink_text(s, m.notes[i].key)
        sink_text(s, m.notes[i].value)

cdef cnn_status network_fingerprint(const Network *net, const cnn_allocator *allocator, uint64_t *out) noexcept nogil:
    """Of dtype and graph: networks with the same one have the same blocks. Values and their training flags are left out."""
    cdef Sink s
    memset(&s, 0, sizeof(s))
    sink_graph(&s, &net.graph)
    s.at = <uint8_t *>cnn_memory_new(allocator, s.n)
    if s.at == NULL:
        return CNN_E_MEMORY
    s.n = 0
    sink_graph(&s, &net.graph)
    out[0] = cnn_checksum(s.at, s.n, <uint64_t>net.graph.dtype)
    cnn_memory_release(s.at)
    return CNN_OK

cdef uint64_t model_data_checksum(const Model *m) noexcept nogil:
    cdef uint64_t sum = 0
    cdef size_t i
    for i in range(m.n_tensors):
        sum = cnn_checksum(m.tensors[i].data, m.tensors[i].bytes, sum)
    return sum

cdef cnn_status model_take_tensors(Model *m, const Network *net, const cnn_extra *extras) noexcept nogil:
    cdef const Block *b
    cdef FileTensor *t
    cdef size_t i, j
    cdef cnn_status status
    for i in range(m.n_tensors):
        t = &m.tensors[i]
        if i < m.head.n_blocks:
            b = &net.graph.blocks[i]
            t.name = net.graph.text + b.name
            t.dtype = net.graph.dtype
            t.rank = b.rank
            memcpy(t.dims, b.dims, sizeof(t.dims))
            t.data = <const char *>net.arena + b.offset * dtype_size(t.dtype)
            t.kind = b.kind
            t.trainable = b.trainable
            t.lr_scale = b.lr_scale
            t.l1 = b.l1
            t.l2 = b.l2
            t.max_norm = b.max_norm
        else:
            j = i - m.head.n_blocks
            if extras[j].name == NULL or not is_utf8(extras[j].name):
                return cnn_fail(m.error, CNN_E_ARGUMENT, "extra tensor %z has no name in UTF-8", j)
            t.name = extras[j].name
            t.dtype = extras[j].tensor.dtype
            t.rank = extras[j].tensor.rank
            memcpy(t.dims, extras[j].tensor.dims, sizeof(t.dims))
            t.data = extras[j].tensor.data
        status = model_measure(m, t)
        if status != CNN_OK:
            return status
        if t.bytes and t.data == NULL:
            return cnn_fail(m.error, CNN_E_ARGUMENT, "tensor '%s' has no data", t.name)
    return CNN_OK

cdef cnn_status model_encode(Model *m, const Network *net, uint32_t kind, const cnn_extra *extras, size_t n_extras) noexcept nogil:
    cdef RecordHead *h = &m.head
    cdef Sink s
    cdef size_t i
    cdef uint64_t sum
    cdef cnn_status status
    if net.graph.n_nodes > MAX_NODES or net.n_notes > MAX_NOTES or n_extras > MAX_EXTRAS:
        return cnn_fail(m.error, CNN_E_ARGUMENT, "a model file holds at most %d layers, %d notes and %d extra tensors", <int>MAX_NODES, <int>MAX_NOTES, <int>MAX_EXTRAS)
    memcpy(h.magic, record_magic(), 8)
    h.version = RECORD_VERSION
    h.kind = kind
    h.seed = net.seed
    h.dtype = <uint32_t>net.graph.dtype
    h.writer = cnn_version_number()
    h.n_extras = <uint32_t>n_extras
    if kind == RECORD_NETWORK:
        h.n_outputs = <uint32_t>net.graph.n_outputs
        h.n_nodes = <uint32_t>net.graph.n_nodes
        h.n_blocks = <uint32_t>net.graph.n_blocks
        h.n_notes = <uint32_t>net.n_notes
    status = model_make_room(m)
    if status == CNN_OK:
        status = model_take_tensors(m, net, extras)
    if status != CNN_OK:
        return status
    for i in range(h.n_notes):
        m.notes[OWN_NOTES + i].key = net.notes[i].key
        m.notes[OWN_NOTES + i].value = net.notes[i].value
    h.data_checksum = model_data_checksum(m)
    if network_fingerprint(net, m.allocator, &h.fingerprint) != CNN_OK:
        return model_no_memory(m)

    memset(&s, 0, sizeof(s))
    model_write_record(&s, m, &net.graph)
    m.length = (s.n + RECORD_END + 63) & ~<size_t>63
    h.length = m.length
    m.made = <uint8_t *>cnn_memory_new(m.allocator, m.length)
    if m.made == NULL:
        return model_no_memory(m)
    s.at = m.made
    s.n = 0
    model_write_record(&s, m, &net.graph)
    sum = cnn_checksum(m.made, m.length - RECORD_END, 0)
    memcpy(m.made + m.length - RECORD_END, &sum, RECORD_END)
    m.record = m.made
    m.graph = m.made + sizeof(RecordHead)
    if kind == RECORD_NETWORK:
        memset(&s, 0, sizeof(s))
        sink_graph(&s, &net.graph)
        m.graph_bytes = s.n
    return model_describe(m)


# ---- A Model from a record ---------------------------------------------------------------------------------------------------------

cdef cnn_status model_parse(Model *m, const uint8_t *record, size_t size) noexcept nogil:
    """From bytes of which a record is the beginning, or that may be anything."""
    cdef RecordHead *h = &m.head
    cdef uint64_t sum
    cdef Cursor c
    cdef cnn_status status
    if size < sizeof(RecordHead) or memcmp(record, record_magic(), 8) != 0:
        return cnn_fail(m.error, CNN_E_FILE, "not a file of cnn: its first tensor is not '__cnn__'")
    memcpy(h, record, sizeof(RecordHead))
    if h.version != RECORD_VERSION or h.features & ~<uint64_t>RECORD_FEATURES:
        return cnn_fail(m.error, CNN_E_FILE, "the file needs a newer cnn: its format is %d with the features %l, and this one reads %d with %d; it was written by cnn %d.%d.%d",
                        <int>h.version, <int64_t>h.features, <int>RECORD_VERSION, <int>RECORD_FEATURES, <int>(h.writer >> 16), <int>(h.writer >> 8 & 255), <int>(h.writer & 255))
    if h.length > size or h.length & 63 or h.length < sizeof(RecordHead) + RECORD_END:
        return cnn_fail(m.error, CNN_E_FILE, "the file is cut short or damaged: its record should have %l bytes, and %z are left", <int64_t>h.length, size)
    m.length = <size_t>h.length
    memcpy(&sum, record + m.length - RECORD_END, RECORD_END)
    if sum != cnn_checksum(record, m.length - RECORD_END, 0):
        return cnn_fail(m.error, CNN_E_FILE, "the file is damaged: the checksum of its record is wrong")
    m.record = record
    c.at = record + sizeof(RecordHead)
    c.left = m.length - RECORD_END - sizeof(RecordHead)
    if (h.kind != RECORD_NETWORK and h.kind != RECORD_STATE) or (h.dtype != CNN_FLOAT32 and h.dtype != CNN_FLOAT64) or h.zero != 0:
        c.at = NULL
    # a block takes more than 32 bytes of the record: the memory taken is in proportion to it
    if h.n_nodes > MAX_NODES or h.n_extras > MAX_EXTRAS or h.n_notes > MAX_NOTES or h.n_blocks > m.length // 32:
        c.at = NULL
    if h.kind == RECORD_STATE and (h.n_outputs | h.n_nodes | h.n_blocks | h.n_notes) != 0:
        c.at = NULL
    if c.at != NULL:
        status = model_parse_graph(m, &c)
        if status != CNN_OK:
            return status
    if c.at != NULL:
        status = model_make_room(m)
        if status == CNN_OK:
            status = model_parse_tensors(m, &c)
        if status != CNN_OK:
            return status
    if c.left >= 64:
        c.at = NULL
    while c.at != NULL and c.left:
        if c.at[0] != 0:
            c.at = NULL
        else:
            c.at += 1
            c.left -= 1
    if c.at == NULL:
        return cnn_fail(m.error, CNN_E_FILE, "the file is damaged: its record makes no sense")
    return model_describe(m)

cdef cnn_status model_parse_graph(Model *m, Cursor *c) noexcept nogil:
    """Finds its end and looks at each node; whether it can be built, the graph's own functions say."""
    cdef NodeRecord node
    cdef AttributeRecord a
    cdef int32_t last
    cdef size_t i, j
    m.graph = c.at
    cursor_take(c, m.head.n_outputs, 4)
    for i in range(m.head.n_nodes):
        cursor_node(c, &node)
        if c.at == NULL:
            return CNN_OK
        if node.op >= <uint32_t>CNN_OP_END or op_name(<int32_t>node.op) == NULL:
            return cnn_fail(m.error, CNN_E_FILE, "the file needs a newer cnn: it has a layer of the kind %l, which this one lacks", <int64_t>node.op)
        if node.n_outputs > MAX_NODE_OUTPUTS:
            c.at = NULL
        last = -1
        for j in range(node.n_attributes):
            cursor_attribute(c, &a)
            if c.at == NULL:
                return CNN_OK
            if a.type < 0:
                return cnn_fail(m.error, CNN_E_FILE, "the file needs a newer cnn: a layer has the attribute %l, which this one lacks", <int64_t>a.key)
            if a.key <= last:
                c.at = NULL
            last = a.key
    if c.at != NULL:
        m.graph_bytes = <size_t>(c.at - m.graph)
        if m.head.kind == RECORD_NETWORK and cnn_checksum(m.graph, m.graph_bytes, m.head.dtype) != m.head.fingerprint:
            c.at = NULL
    return CNN_OK

cdef cnn_status model_parse_tensors(Model *m, Cursor *c) noexcept nogil:
    cdef FileTensor *t
    cdef uint64_t size
    cdef size_t i, j
    cdef cnn_status status
    for i in range(m.n_tensors):
        t = &m.tensors[i]
        t.name = cursor_text(c)
        t.dtype = <int32_t>cursor_u32(c)
        t.rank = <int32_t>cursor_u32(c)
        if t.rank < 0 or t.rank > MAX_RANK:
            c.at = NULL
            return CNN_OK
        for j in range(<size_t>t.rank):
            size = cursor_u64(c)
            t.dims[j] = <size_t>size
            if t.dims[j] != size:
                c.at = NULL
        if i < m.head.n_blocks:
            t.kind = <int32_t>cursor_u32(c)
            t.trainable = <int32_t>cursor_u32(c)
            t.lr_scale = cursor_f64(c)
            t.l1 = cursor_f64(c)
            t.l2 = cursor_f64(c)
            t.max_norm = cursor_f64(c)
            if t.dtype != <int32_t>m.head.dtype:
                c.at = NULL
        if c.at == NULL:
            return CNN_OK
        status = model_measure(m, t)
        if status != CNN_OK:
            return status
    for i in range(OWN_NOTES, m.n_notes):
        m.notes[i].key = cursor_text(c)
        m.notes[i].value = cursor_text(c)
        if note_key_fault(m.notes[i].key) != NULL:
            c.at = NULL
    return CNN_OK


# ---- A Model's file ---------------------------------------------------------------------------------------------------------------

cdef const char *model_name_fault(const Model *m, size_t i) noexcept nogil:
    """Names of blocks never begin with "__", and names of extras do; so neither can be taken for the other or for the file's own."""
    cdef const char *name = m.tensors[i].name
    cdef int reserved = name[0] == 95 and name[1] == 95
    cdef size_t j
    if i < m.head.n_blocks and reserved:
        return "begins with '__', as only the file's own may"
    if i < m.head.n_blocks:
        return NULL
    if not reserved:
        return "does not begin with '__', as that of an extra tensor must"
    if strcmp(name, "__cnn__") == 0 or strcmp(name, "__metadata__") == 0:
        return "is the file's own"
    for j in range(m.head.n_blocks, i):
        if strcmp(name, m.tensors[j].name) == 0:
            return "is there twice"
    return NULL

cdef void model_lay_out(Model *m) noexcept nogil:
    """The widest dtype first, so that each tensor is aligned to its elements; otherwise as in the record."""
    cdef size_t width = 8, at = 0, i, n = 1
    cdef FileTensor *t
    m.files[0].name = "__cnn__"
    m.files[0].dtype = CNN_UINT8
    m.files[0].rank = 1
    m.files[0].dims = &m.length
    m.files[0].data = m.record
    m.files[0].bytes = m.length
    while width:
        for i in range(m.n_tensors):
            t = &m.tensors[i]
            if dtype_size(t.dtype) == width:
                t.offset = at
                at += t.bytes
                m.files[n].name = t.name
                m.files[n].dtype = <cnn_dtype>t.dtype
                m.files[n].rank = t.rank
                m.files[n].dims = t.dims
                m.files[n].data = t.data
                m.files[n].bytes = t.bytes
                n += 1
        width >>= 1

cdef cnn_status model_describe(Model *m) noexcept nogil:
    """Names are checked; tensors get their places, and the metadata their text."""
    cdef Sink s
    cdef size_t i
    cdef const char *fault
    for i in range(m.n_tensors):
        fault = model_name_fault(m, i)
        if fault != NULL:
            return cnn_fail(m.error, m.refusal, "the name of tensor '%s' %s", m.tensors[i].name, fault)
    model_lay_out(m)
    cnn_format(m.writer, sizeof(m.writer), "%d.%d.%d", <int>(m.head.writer >> 16), <int>(m.head.writer >> 8 & 255), <int>(m.head.writer & 255))
    m.notes[0].key = "format"
    m.notes[0].value = "cnn"
    m.notes[1].key = "cnn.version"
    m.notes[1].value = m.writer
    m.notes[2].key = "cnn.architecture"
    m.notes[2].value = "{}"
    if m.head.kind == RECORD_NETWORK:
        memset(&s, 0, sizeof(s))
        json_architecture(&s, m)
        m.architecture = <char *>cnn_memory_new(m.allocator, s.n + 1)
        if m.architecture == NULL:
            return model_no_memory(m)
        s.at = <uint8_t *>m.architecture
        s.n = 0
        json_architecture(&s, m)
        m.notes[2].value = m.architecture
    return CNN_OK
