# The model file: networks to files and back (docs/format.md), and the entry points.

# ---- Notes: a network's metadata ---------------------------------------------------------------------------------------------------

cdef const char *note_key_fault(const char *key) noexcept nogil:
    """In a file's metadata notes lie under their own keys, beside ours."""
    if key[0] == 0:
        return "is empty"
    if strcmp(key, "format") == 0 or (strlen(key) >= 4 and memcmp(key, "cnn.", 4) == 0):
        return "is one of the file's own: 'format', and what begins with 'cnn.'"
    return NULL

cdef char *copy_text(const cnn_allocator *allocator, const char *text) noexcept nogil:
    cdef size_t n = strlen(text) + 1
    cdef char *copy = <char *>cnn_memory_new(allocator, n)
    if copy != NULL:
        memcpy(copy, text, n)
    return copy

cdef Note *notes_find(const Network *net, const char *key) noexcept nogil:
    cdef size_t i
    for i in range(net.n_notes):
        if strcmp(net.notes[i].key, key) == 0:
            return &net.notes[i]
    return NULL

cdef const char *notes_get(const Network *net, const char *key) noexcept nogil:
    cdef const Note *note = notes_find(net, key)
    return note.value if note != NULL else NULL

cdef void notes_remove(Network *net, Note *note) noexcept nogil:
    cdef size_t i = <size_t>(note - net.notes)
    cnn_memory_release(note.key)
    cnn_memory_release(note.value)
    net.n_notes -= 1
    memmove(note, note + 1, (net.n_notes - i) * sizeof(Note))

cdef cnn_status notes_set(Network *net, const char *key, const char *value) noexcept nogil:
    """value NULL removes. On failure the notes are as they were."""
    cdef const char *fault
    cdef Note *note
    cdef Note made
    if key == NULL or not is_utf8(key) or (value != NULL and not is_utf8(value)):
        return cnn_fail(net.error, CNN_E_ARGUMENT, "a key and a value of the metadata must be UTF-8 text")
    fault = note_key_fault(key)
    if fault != NULL:
        return cnn_fail(net.error, CNN_E_ARGUMENT, "the metadata key '%s' %s", key, fault)
    note = notes_find(net, key)
    if value == NULL:
        if note != NULL:
            notes_remove(net, note)
        return CNN_OK
    if strlen(value) > 0x7fffffff or (note == NULL and net.n_notes == MAX_NOTES):
        return cnn_fail(net.error, CNN_E_ARGUMENT, "metadata '%s': a network holds at most %d entries of 2 GB", key, <int>MAX_NOTES)
    made.value = copy_text(&net.allocator, value)
    if made.value == NULL:
        return cnn_fail(net.error, CNN_E_MEMORY, "not enough memory for the metadata '%s'", key)
    if note != NULL:
        cnn_memory_release(note.value)
        note.value = made.value
        return CNN_OK
    made.key = copy_text(&net.allocator, key)
    if made.key == NULL or not make_room(&net.allocator, <void **>&net.notes, &net.room_notes, net.n_notes, 1, sizeof(Note)):
        cnn_memory_release(made.key)
        cnn_memory_release(made.value)
        return cnn_fail(net.error, CNN_E_MEMORY, "not enough memory for the metadata '%s'", key)
    net.notes[net.n_notes] = made
    net.n_notes += 1
    return CNN_OK


# ---- A network from a Model --------------------------------------------------------------------------------------------------------

cdef cnn_status model_add_node(const Model *m, Cursor *c, Graph *g, cnn_attribute *attributes, char *scratch) noexcept nogil:
    """scratch: as many bytes as the record has, which is more than the numbers of any node take."""
    cdef NodeRecord node
    cdef AttributeRecord a
    cdef int32_t *inputs = <int32_t *>scratch
    cdef int64_t *list
    cdef int32_t value
    cdef size_t i, j, used
    cdef cnn_status status
    cursor_node(c, &node)
    for i in range(node.n_inputs):
        inputs[i] = record_i32(node.inputs, i)
    used = (<size_t>node.n_inputs + 1) >> 1
    for i in range(node.n_attributes):
        cursor_attribute(c, &a)
        list = <int64_t *>scratch + used
        for j in range(a.count):
            list[j] = record_i64(a.list, j)
        used += a.count
        attributes[i].name = attribute_name(a.key)
        attributes[i].integer = a.integer
        attributes[i].number = a.number
        attributes[i].text = a.text
        attributes[i].list = list
        attributes[i].count = a.count
    status = graph_add(g, <int32_t>node.op, inputs, node.n_inputs, attributes, node.n_attributes, &value, m.error)
    if status == CNN_OK and g.nodes[g.n_nodes - 1].n_outputs != <int32_t>node.n_outputs:
        return cnn_fail(m.error, CNN_E_FILE, "%s has %d outputs, and %d in the file", node_name(g, &g.nodes[g.n_nodes - 1]), g.nodes[g.n_nodes - 1].n_outputs, <int>node.n_outputs)
    return status

cdef cnn_status model_add_nodes(const Model *m, Graph *g) noexcept nogil:
    cdef size_t i
    cdef Cursor c
    cdef cnn_status status = CNN_OK
    cdef char *scratch = <char *>cnn_memory_new(m.allocator, m.length)
    cdef cnn_attribute *attributes = <cnn_attribute *>cnn_memory_new(m.allocator, CNN_ATTRIBUTE_END * sizeof(cnn_attribute))
    c.at = m.graph + 4 * <size_t>m.head.n_outputs
    c.left = m.graph_bytes - 4 * <size_t>m.head.n_outputs
    if scratch == NULL or attributes == NULL:
        status = cnn_fail(m.error, CNN_E_MEMORY, "not enough memory for the graph")
    for i in range(m.head.n_nodes):
        if status == CNN_OK:
            status = model_add_node(m, &c, g, attributes, scratch)
    cnn_memory_release(scratch)
    cnn_memory_release(attributes)
    return status

cdef cnn_status model_check_blocks(const Model *m, Graph *g) noexcept nogil:
    """The record's table must be that of its graph; then the arena takes no more than the tensors that are there. Takes over its flags."""
    cdef const FileTensor *t
    cdef Block *b
    cdef size_t i
    if g.n_blocks != m.head.n_blocks:
        return cnn_fail(m.error, CNN_E_FILE, "its layers have %z arrays of parameters, and %z are there", g.n_blocks, <size_t>m.head.n_blocks)
    for i in range(g.n_blocks):
        t = &m.tensors[i]
        b = &g.blocks[i]
        if strcmp(t.name, g.text + b.name) != 0 or t.kind != b.kind or t.rank != b.rank or memcmp(t.dims, b.dims, <size_t>t.rank * sizeof(size_t)) != 0:
            return cnn_fail(m.error, CNN_E_FILE, "its layers have the parameters '%s' of shape %D where '%s' of shape %D are there",
                            g.text + b.name, <size_t>b.rank, b.dims, t.name, <size_t>t.rank, t.dims)
        b.trainable = t.trainable
        b.lr_scale = t.lr_scale
        b.l1 = t.l1
        b.l2 = t.l2
        b.max_norm = t.max_norm
    return CNN_OK

cdef void network_borrow(Network *net, const Model *m) noexcept nogil:
    """The arena becomes the tensors as they lie in the file: blocks are of one dtype, so they lie back to back."""
    cdef size_t i, item = dtype_size(net.graph.dtype)
    cdef size_t first = m.tensors[0].offset if m.n_tensors else 0
    cnn_memory_release(net.arena)
    net.arena = <void *>(m.record + m.length + first)
    net.borrowed = m.record
    net.arena_bytes = 0
    for i in range(net.graph.n_blocks):
        net.graph.blocks[i].offset = (m.tensors[i].offset - first) // item
        net.arena_bytes += m.tensors[i].bytes
    net.graph.arena = net.arena_bytes // item

cdef cnn_status model_build(const Model *m, int borrow, const cnn_options *options, Network **out) noexcept nogil:
    """The network of a checked Model; its values are zero, or borrowed from the file."""
    cdef Graph g
    cdef Network *net = NULL
    cdef size_t i
    cdef int32_t *outputs = NULL
    cdef cnn_status status
    graph_init(&g, m.allocator)
    status = model_add_nodes(m, &g)
    if status == CNN_OK:
        status = model_check_blocks(m, &g)
    if status == CNN_OK:
        outputs = <int32_t *>cnn_memory_new(m.allocator, 4 * <size_t>m.head.n_outputs + 4)
        if outputs == NULL:
            status = cnn_fail(m.error, CNN_E_MEMORY, "not enough memory for the graph")
    if status == CNN_OK:
        memcpy(outputs, m.graph, 4 * <size_t>m.head.n_outputs)
        if borrow:
            g.arena = 0  # none of its own
        status = network_from_graph(&g, outputs, m.head.n_outputs, <int32_t>m.head.dtype, m.head.seed, 0, options, &net)
    graph_release(&g)  # empty where the network has taken it over
    cnn_memory_release(outputs)
    if status == CNN_OK:
        if borrow:
            network_borrow(net, m)
        for i in range(OWN_NOTES, m.n_notes):
            if status == CNN_OK:
                status = notes_set(net, m.notes[i].key, m.notes[i].value)
        if status == CNN_OK and net.n_notes != m.head.n_notes:
            status = cnn_fail(m.error, CNN_E_FILE, "its metadata have a key twice")
        if status == CNN_OK:
            out[0] = net
            return CNN_OK
        network_release(net)
    if status == CNN_E_MEMORY:
        return status
    if m.error == NULL or m.error.size < sizeof(cnn_error):
        return CNN_E_FILE
    return cnn_fail_at(m.error, CNN_E_FILE, m.error.node, "the file's network cannot be built: %s", m.error.text)


# ---- Files -------------------------------------------------------------------------------------------------------------------------

cdef struct Extras:        # behind cnn_extras *
    cnn_file file
    Model model
    cnn_extra *extras

cdef void extras_release(Extras *e) noexcept nogil:
    if e == NULL:
        return
    cnn_memory_release(e.extras)
    model_release(&e.model)
    cnn_file_close(&e.file)
    cnn_memory_release(e)

cdef cnn_status extras_list(Extras *e) noexcept nogil:
    cdef Model *m = &e.model
    cdef const FileTensor *t
    cdef size_t i
    e.extras = <cnn_extra *>cnn_memory_new(m.allocator, (<size_t>m.head.n_extras + 1) * sizeof(cnn_extra))
    if e.extras == NULL:
        return model_no_memory(m)
    for i in range(m.head.n_extras):
        t = &m.tensors[m.head.n_blocks + i]
        e.extras[i].name = t.name
        e.extras[i].tensor.data = t.data
        e.extras[i].tensor.dtype = <cnn_dtype>t.dtype
        e.extras[i].tensor.rank = t.rank
        memcpy(e.extras[i].tensor.dims, t.dims, sizeof(t.dims))
    return CNN_OK

cdef cnn_status model_read(Model *m, const cnn_file *file, int32_t *foreign) noexcept nogil:
    """All that can be known of a file without building its network. *foreign: engine.h, cnn_network_open_with."""
    cdef size_t i
    cdef cnn_status status
    foreign[0] = file.data_bytes < sizeof(RecordHead) or memcmp(file.data, record_magic(), 8) != 0
    status = model_parse(m, file.data, file.data_bytes)
    if status != CNN_OK:
        return status
    foreign[0] = 1
    status = cnn_file_check(m.allocator, file, m.files, m.n_tensors + 1, m.notes, m.n_notes, m.error)
    if status != CNN_OK:
        return status
    foreign[0] = 0
    for i in range(m.n_tensors):
        m.tensors[i].data = m.record + m.length + m.tensors[i].offset
    if model_data_checksum(m) != m.head.data_checksum:
        return cnn_fail(m.error, CNN_E_FILE, "the file is damaged: the checksum of its tensors is wrong")
    return CNN_OK

cdef cnn_status model_open(const char *path, const void *bytes, size_t size, int copy, const cnn_options *options, Extras **out, int32_t *foreign) noexcept nogil:
    """path, or bytes where path is NULL: copied, or borrowed."""
    cdef cnn_error *error = options_error(options)
    cdef const cnn_allocator *allocator = options_allocator(options)
    cdef Extras *e
    cdef cnn_status status
    if path == NULL and bytes == NULL:
        return cnn_fail(error, CNN_E_ARGUMENT, "no path and no bytes of a model file were given")
    e = <Extras *>cnn_memory_new(allocator, sizeof(Extras))
    if e == NULL:
        return cnn_fail(error, CNN_E_MEMORY, "not enough memory for a model file")
    foreign[0] = 1
    status = model_init(&e.model, allocator, CNN_E_FILE, error)
    if status == CNN_OK:
        if path != NULL:
            status = cnn_file_read(allocator, path, &e.file, error)
        else:
            status = cnn_file_read_memory(allocator, bytes, size, copy, &e.file, error)
    if status == CNN_OK:
        status = model_read(&e.model, &e.file, foreign)
    if status != CNN_OK:
        extras_release(e)
        return status
    out[0] = e
    return CNN_OK

cdef cnn_status network_open(const char *path, const void *bytes, size_t size, int borrow, const cnn_options *options, cnn_network **out,
                             cnn_extras **extras, int32_t *foreign) noexcept nogil:
    cdef cnn_error *error = options_error(options)
    cdef Extras *e = NULL
    cdef const Model *m
    cdef Network *net = NULL
    cdef size_t i
    cdef int32_t ignored
    cdef cnn_status status = model_open(path, bytes, size, extras != NULL, options, &e, foreign if foreign != NULL else &ignored)
    if status != CNN_OK:
        return status
    m = &e.model
    if m.head.kind != RECORD_NETWORK:
        status = cnn_fail(error, CNN_E_FILE, "the file holds a trainer's state, not a network")
    elif borrow and <size_t>(m.record + m.length) % dtype_size(<int32_t>m.head.dtype) != 0:
        status = cnn_fail(error, CNN_E_ARGUMENT, "the file's bytes must begin at a multiple of %z in memory to be used where they are", dtype_size(<int32_t>m.head.dtype))
    else:
        status = model_build(m, borrow, options, &net)
    if status == CNN_OK and not borrow:
        for i in range(net.graph.n_blocks):
            memcpy(<char *>net.arena + net.graph.blocks[i].offset * dtype_size(net.graph.dtype), m.tensors[i].data, m.tensors[i].bytes)
    if status == CNN_OK and extras != NULL:
        status = extras_list(e)
    if status != CNN_OK:
        network_release(net)
        extras_release(e)
        return status
    out[0] = <cnn_network *>net
    if extras != NULL:
        extras[0] = <cnn_extras *>e
    else:
        extras_release(e)
    return CNN_OK

cdef cnn_status network_save(const Network *net, uint32_t kind, const cnn_extra *extras, size_t n, const char *path, void **bytes, size_t *size, cnn_error *error) noexcept nogil:
    """To path, or where it is NULL to memory of the network's allocator."""
    cdef Model m
    cdef cnn_status status = model_init(&m, &net.allocator, CNN_E_ARGUMENT, error)
    if status == CNN_OK:
        status = model_encode(&m, net, kind, extras, n)
    if status == CNN_OK:
        if path != NULL:
            status = cnn_file_write(path, m.files, m.n_tensors + 1, m.notes, m.n_notes, error)
        else:
            status = cnn_file_write_memory(&net.allocator, m.files, m.n_tensors + 1, m.notes, m.n_notes, bytes, size, error)
    model_release(&m)
    return status


# ---- Entry points: cnn.h -----------------------------------------------------------------------------------------------------------

cdef public cnn_status cnn_network_open(const char *path, const cnn_options *options, cnn_network **out) noexcept nogil:
    if path == NULL:
        return cnn_fail(options_error(options), CNN_E_ARGUMENT, "the path is missing")
    return network_open(path, NULL, 0, 0, options, out, NULL, NULL)

cdef public cnn_status cnn_network_open_memory(const void *bytes, size_t size, const cnn_options *options, cnn_network **out) noexcept nogil:
    return network_open(NULL, bytes, size, 0, options, out, NULL, NULL)

cdef public cnn_status cnn_network_view_memory(const void *bytes, size_t size, const cnn_options *options, cnn_network **out) noexcept nogil:
    return network_open(NULL, bytes, size, 1, options, out, NULL, NULL)

cdef public cnn_status cnn_network_save(const cnn_network *network, const char *path) noexcept nogil:
    return cnn_network_save_with(network, path, NULL, 0, (<const Network *>network).error)

cdef public cnn_status cnn_network_save_memory(const cnn_network *network, void **bytes, size_t *size) noexcept nogil:
    return cnn_network_save_memory_with(network, NULL, 0, bytes, size, (<const Network *>network).error)

cdef public void cnn_memory_free(void *block) noexcept nogil:
    cnn_memory_release(block)

cdef public const char *cnn_network_metadata(const cnn_network *network, const char *key) noexcept nogil:
    return notes_get(<const Network *>network, key)

cdef public cnn_status cnn_network_set_metadata(cnn_network *network, const char *key, const char *value) noexcept nogil:
    return notes_set(<Network *>network, key, value)


# ---- Entry points: engine.h --------------------------------------------------------------------------------------------------------

cdef public size_t cnn_network_metadata_count(const cnn_network *network) noexcept nogil:
    return (<const Network *>network).n_notes

cdef public void cnn_network_metadata_at(const cnn_network *network, size_t index, const char **key, const char **value) noexcept nogil:
    key[0] = (<const Network *>network).notes[index].key
    value[0] = (<const Network *>network).notes[index].value

cdef public cnn_status cnn_network_save_with(const cnn_network *network, const char *path, const cnn_extra *extras, size_t n, cnn_error *error) noexcept nogil:
    if path == NULL:
        return cnn_fail(error, CNN_E_ARGUMENT, "the path is missing")
    return network_save(<const Network *>network, RECORD_NETWORK, extras, n, path, NULL, NULL, error)

cdef public cnn_status cnn_network_save_memory_with(const cnn_network *network, const cnn_extra *extras, size_t n, void **bytes, size_t *size, cnn_error *error) noexcept nogil:
    return network_save(<const Network *>network, RECORD_NETWORK, extras, n, NULL, bytes, size, error)

cdef public cnn_status cnn_network_open_with(const char *path, const void *bytes, size_t size, const cnn_options *options, cnn_network **out,
                                             cnn_extras **extras, int32_t *foreign) noexcept nogil:
    return network_open(path, bytes, size, 0, options, out, extras, foreign)

cdef public cnn_status cnn_network_open_parts(const void *record, size_t size, size_t data_bytes, const cnn_options *options, cnn_network **out) noexcept nogil:
    cdef Model m
    cdef Network *net = NULL
    cdef size_t i, needed = 0
    cdef cnn_error *error = options_error(options)
    cdef cnn_status status = model_init(&m, options_allocator(options), CNN_E_FILE, error)
    if status == CNN_OK:
        status = model_parse(&m, <const uint8_t *>record, size)
    if status == CNN_OK and (m.head.kind != RECORD_NETWORK or m.length != size):
        status = cnn_fail(error, CNN_E_FILE, "the tensor '__cnn__' is damaged, or holds no network")
    if status == CNN_OK:
        for i in range(m.head.n_blocks):
            needed += m.tensors[i].bytes
        if needed > data_bytes:
            status = cnn_fail(error, CNN_E_FILE, "the file's network has %z bytes of parameters, and %z are there", needed, data_bytes)
    if status == CNN_OK:
        status = model_build(&m, 0, options, &net)
    model_release(&m)
    if status == CNN_OK:
        out[0] = <cnn_network *>net
    return status

cdef public cnn_status cnn_state_save(const cnn_network *network, const char *path, const cnn_extra *extras, size_t n, cnn_error *error) noexcept nogil:
    if path == NULL:
        return cnn_fail(error, CNN_E_ARGUMENT, "the path is missing")
    return network_save(<const Network *>network, RECORD_STATE, extras, n, path, NULL, NULL, error)

cdef public cnn_status cnn_state_open(const cnn_network *network, const char *path, const cnn_options *options, cnn_extras **out) noexcept nogil:
    cdef Extras *e = NULL
    cdef int32_t foreign
    cdef uint64_t fingerprint
    cdef cnn_status status
    if path == NULL:
        return cnn_fail(options_error(options), CNN_E_ARGUMENT, "the path is missing")
    status = model_open(path, NULL, 0, 0, options, &e, &foreign)
    if status != CNN_OK:
        return status
    if network_fingerprint(<const Network *>network, e.model.allocator, &fingerprint) != CNN_OK:
        status = model_no_memory(&e.model)
    elif fingerprint != e.model.head.fingerprint:
        status = cnn_fail(e.model.error, CNN_E_FILE, "the file holds the state of another network: its layers or its dtype differ")
    else:
        status = extras_list(e)
    if status != CNN_OK:
        extras_release(e)
        return status
    out[0] = <cnn_extras *>e
    return CNN_OK

cdef public size_t cnn_extras_count(const cnn_extras *extras) noexcept nogil:
    return (<const Extras *>extras).model.head.n_extras

cdef public const cnn_extra *cnn_extras_at(const cnn_extras *extras, size_t index) noexcept nogil:
    return &(<const Extras *>extras).extras[index]

cdef public const cnn_extra *cnn_extras_find(const cnn_extras *extras, const char *name) noexcept nogil:
    cdef const Extras *e = <const Extras *>extras
    cdef size_t i
    for i in range(e.model.head.n_extras):
        if strcmp(e.extras[i].name, name) == 0:
            return &e.extras[i]
    return NULL

cdef public void cnn_extras_free(cnn_extras *extras) noexcept nogil:
    extras_release(<Extras *>extras)
