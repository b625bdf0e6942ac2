# The pace of training, and of small predictions ("steps" here): whether the team pays.
#
# Two threads halve a step as long as both run. Where another process wants a processor, a thread is put aside in the middle of its share,
# and the other waits for milliseconds; where two processors share no cache, a hand-over costs as much as a small step. Nothing that a
# program may ask the system for tells, but the time of its steps does. The bits are the same either way, so between two steps training may
# change from the team to the caller's thread alone, and back.
#
# Either is judged by all its steps of a window: a thread is put aside rarely, and at a high price. While the team pays, a look at a few
# steps tells at times what one thread would cost; while it does not, a window with the team tells when it does again. Such trials are so
# rare that they lose about 1 % of the time at most: where steps are long, most fits see none. Steps too small for a team are not timed.

cdef enum:                 # times in milliseconds of steps, whatever goes by between them
    PACE_WINDOW = 20       # what is judged together
    PACE_STEPS = 2         # ... and so many steps at least
    PACE_MEMORY = 4        # windows that a cost is the mean of, more or less
    PACE_LOOK = 3          # steps of a look
    PACE_LOOK_AGAIN = 2000
    PACE_RARELY = 100      # a trial may lose this part of the time until the next
    PACE_RETRY = 100       # alone, before the team is tried again, at least
    PACE_RETRY_LAST = 10000  # and at most: one window may have been out of the ordinary

cdef struct Pace:
    cnn_executor team      # the caller's; ops are given one that goes through pace_run
    int32_t alone          # the steps to come are the caller's thread's alone
    int32_t looks          # ... for a look
    int32_t engages        # the team has been handed work, so there is something to choose
    int64_t began          # the step; 0: it is not timed
    size_t steps           # of the window so far
    double time, rows
    double least           # a row's time in the fastest of these steps
    double team_cost       # a row's time in the windows before; 0: not known
    double alone_cost
    double team_time       # the last window with the team
    double since           # the windows since the last change
    double retry           # until the team is tried again


cdef void pace_run(void *user, int32_t members, void (*body)(void *arg, int32_t member, int32_t members) noexcept nogil, void *arg) noexcept nogil:
    cdef Pace *p = <Pace *>user
    p.engages = 1
    p.team.run(p.team.user, members, body, arg)


cdef void pace_make(Pace *p, cnn_executor *executor) noexcept nogil:
    """Comes between an executor and those who use it."""
    if cnn_executor_width(executor) > 1:
        p.team = executor[0]
        executor.user = p
        executor.run = pace_run


cdef void pace_forget(Pace *p) noexcept nogil:
    """Steps of another kind begin."""
    cdef cnn_executor team = p.team
    memset(p, 0, sizeof(Pace))
    p.team = team


cdef void pace_begin(Pace *p) noexcept nogil:
    """A step begins. It is timed if the last one with the team had work for it."""
    p.began = cnn_clock_nanoseconds() if p.engages else 0
    p.engages = p.alone


cdef void pace_wait(Pace *p, int64_t since) noexcept nogil:
    """From `since` until now it was others that were waited for."""
    if p.began:
        p.began += cnn_clock_nanoseconds() - since


cdef inline void pace_end(Pace *p, size_t rows) noexcept nogil:
    if p.began and p.engages:
        pace_count(p, <double>rows)


cdef void pace_count(Pace *p, double rows) noexcept nogil:
    cdef double time = <double>(cnn_clock_nanoseconds() - p.began) / 1e6
    p.steps += 1
    p.time += time
    p.rows += rows
    if p.steps == 1 or time < p.least * rows:
        p.least = time / rows
    if p.steps >= PACE_LOOK if p.looks else p.time >= PACE_WINDOW and p.steps >= PACE_STEPS:
        pace_judge(p)


cdef void pace_window(Pace *p) noexcept nogil:
    """The next begins."""
    p.since += p.time
    p.time = p.rows = 0
    p.steps = 0


cdef void pace_change(Pace *p, int32_t alone, int32_t looks) noexcept nogil:
    pace_window(p)
    p.alone = alone
    p.looks = looks
    p.since = 0


cdef void pace_go_alone(Pace *p) noexcept nogil:
    """Until what the last window with the team has lost is made good."""
    p.retry = PACE_RARELY * p.team_time * (1 - p.alone_cost / p.team_cost)
    p.retry = PACE_RETRY if p.retry < PACE_RETRY else PACE_RETRY_LAST if p.retry > PACE_RETRY_LAST else p.retry
    pace_change(p, 1, 0)


cdef void pace_learn(Pace *p, double *cost) noexcept nogil:
    """What the window says of a cost; the first after a change is all that is known."""
    cdef double now = p.time / p.rows
    cost[0] = now if p.since == 0 else cost[0] + (now - cost[0]) / PACE_MEMORY
    pace_window(p)


cdef void pace_judge(Pace *p) noexcept nogil:
    """Who does the next steps."""
    cdef double dear = p.time / <double>p.steps * (PACE_LOOK * (p.team.threads - 1))  # what a look loses at most
    if p.looks:
        p.alone_cost = p.least  # so few steps are not to be judged by one that was put aside
        if p.alone_cost < p.team_cost:
            pace_go_alone(p)
        else:
            pace_change(p, 0, 0)
    elif p.alone:
        pace_learn(p, &p.alone_cost)
        if p.alone_cost >= p.team_cost or p.since >= p.retry:
            pace_change(p, 0, 0)
    else:
        p.team_time = p.time
        pace_learn(p, &p.team_cost)
        if p.alone_cost > 0 and p.alone_cost < p.team_cost:
            pace_go_alone(p)
        elif p.since >= PACE_RARELY * dear and (p.alone_cost == 0 or p.since >= PACE_LOOK_AGAIN):
            pace_change(p, 1, 1)
