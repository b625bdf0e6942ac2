"""Optimizers over lists of float64 arrays, changed in place: PyTorch's definitions and defaults.

`OPTIMIZERS[name](**options).step(params, grads, epoch=0.0)`; `LBFGS(...).step(closure, params)` where `closure()`
gives (loss, grads) at the present params. `lr` is a number or a schedule f(epoch). Clipping comes first (value, then
norm), then weight decay.
"""

from typing import NamedTuple

import numpy as np


def clip_norm(grads, limit):
    """All gradients times min(1, limit / (norm + 1e-6)), the norm over all of them (torch clip_grad_norm_)."""
    norm = np.sqrt(sum((g * g).sum() for g in grads))
    return [g * min(1.0, limit / (norm + 1e-6)) for g in grads]


def clip_value(grads, limit):
    """Each element into [-limit, limit]."""
    return [np.clip(g, -limit, limit) for g in grads]


class Optimizer:
    """Clipping, the rate and the state; a subclass gives `update(p, g, state, lr)`, `state` being that parameter's."""

    def __init__(self, lr, weight_decay=0.0, clip_norm=None, clip_value=None):
        self.lr = lr
        self.weight_decay = weight_decay
        self.clip_norm = clip_norm
        self.clip_value = clip_value
        self.state = None

    def rate(self, epoch=0.0) -> float:
        return self.lr(epoch) if callable(self.lr) else self.lr

    def clipped(self, grads):
        if self.clip_value is not None:
            grads = clip_value(grads, self.clip_value)
        if self.clip_norm is not None:
            grads = clip_norm(grads, self.clip_norm)
        return grads

    def step(self, params, grads, epoch=0.0):
        if self.state is None:
            self.state = [{"t": 0} for _ in params]
        for p, g, state in zip(params, self.clipped(grads), self.state, strict=True):
            state["t"] += 1
            self.update(p, self.decayed(p, g), state, self.rate(epoch))

    def decayed(self, p, g):
        """g + weight_decay p."""
        return g + self.weight_decay * p

    def update(self, p, g, state, lr):
        raise NotImplementedError


class SGD(Optimizer):
    """v = momentum v + g, starting at g; p -= lr v, or lr (g + momentum v) with nesterov."""

    def __init__(self, lr=0.01, momentum=0.0, nesterov=False, weight_decay=0.0, **clip):
        super().__init__(lr, weight_decay, **clip)
        self.momentum = momentum
        self.nesterov = nesterov

    def update(self, p, g, state, lr):
        if self.momentum:
            v = self.momentum * state.get("v", 0.0) + g
            state["v"] = v
            g = g + self.momentum * v if self.nesterov else v
        p -= lr * g


class RMSprop(Optimizer):
    """s = alpha s + (1 - alpha) g^2; p -= lr g / (sqrt s + eps), less mean^2 if centered, through momentum if any."""

    def __init__(self, lr=0.01, alpha=0.99, eps=1e-8, weight_decay=0.0, momentum=0.0, centered=False, **clip):
        super().__init__(lr, weight_decay, **clip)
        self.alpha, self.eps, self.momentum, self.centered = alpha, eps, momentum, centered

    def update(self, p, g, state, lr):
        s = self.alpha * state.get("s", 0.0) + (1 - self.alpha) * g * g
        state["s"] = s
        if self.centered:
            mean = self.alpha * state.get("mean", 0.0) + (1 - self.alpha) * g
            state["mean"] = mean
            s = s - mean * mean
        step = g / (np.sqrt(s) + self.eps)
        if self.momentum:
            step = self.momentum * state.get("v", 0.0) + step
            state["v"] = step
        p -= lr * step


class Adagrad(Optimizer):
    """s += g^2; p -= lr / (1 + (t - 1) lr_decay) g / (sqrt s + eps)."""

    def __init__(self, lr=0.01, lr_decay=0.0, weight_decay=0.0, initial_accumulator_value=0.0, eps=1e-10, **clip):
        super().__init__(lr, weight_decay, **clip)
        self.lr_decay, self.initial, self.eps = lr_decay, initial_accumulator_value, eps

    def update(self, p, g, state, lr):
        s = state.get("s", self.initial) + g * g
        state["s"] = s
        p -= lr / (1 + (state["t"] - 1) * self.lr_decay) * g / (np.sqrt(s) + self.eps)


class Adam(Optimizer):
    """Kingma & Ba 2015: p -= lr m^ / (sqrt v^ + eps), m^ = m / (1 - b1^t), v^ = v / (1 - b2^t)."""

    def __init__(self, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, **clip):
        super().__init__(lr, weight_decay, **clip)
        self.betas, self.eps = betas, eps

    def update(self, p, g, state, lr):
        b1, b2 = self.betas
        m = b1 * state.get("m", 0.0) + (1 - b1) * g
        v = b2 * state.get("v", 0.0) + (1 - b2) * g * g
        state["m"], state["v"] = m, v
        m_hat = m / (1 - b1 ** state["t"])
        v_hat = v / (1 - b2 ** state["t"])
        p -= lr * m_hat / (np.sqrt(v_hat) + self.eps)


class AdamW(Adam):
    """Loshchilov & Hutter 2019: p -= lr weight_decay p first, then Adam's step without decay in the gradient."""

    def __init__(self, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01, **clip):
        super().__init__(lr, betas, eps, weight_decay, **clip)

    def decayed(self, p, g):
        return g

    def update(self, p, g, state, lr):
        p -= lr * self.weight_decay * p
        super().update(p, g, state, lr)


class Rprop(Optimizer):
    """Riedmiller & Braun 1993 (torch's iRprop-): a step size each weight, grown or shrunk by the sign of g g_before.

    Where the sign turned, this step is 0 and the next compares with 0. `lr` is the first step size.
    """

    def __init__(self, lr=0.01, etas=(0.5, 1.2), step_sizes=(1e-6, 50.0), **clip):
        super().__init__(lr, **clip)
        self.etas, self.step_sizes = etas, step_sizes

    def update(self, p, g, state, lr):
        agreement = np.sign(g * state.get("g", 0.0))
        factor = np.where(agreement > 0, self.etas[1], np.where(agreement < 0, self.etas[0], 1.0))
        state["size"] = np.clip(state.get("size", np.full_like(p, lr)) * factor, *self.step_sizes)
        state["g"] = np.where(agreement < 0, 0.0, g)
        p -= np.sign(state["g"]) * state["size"]


class Trial(NamedTuple):
    """A point along the search direction: the step, the loss, the gradient there, its slope along the direction."""

    t: float
    f: float
    g: np.ndarray
    slope: float


def cubic_minimum(a: Trial, b: Trial, bounds=None) -> float:
    """The minimum of the cubic through two values and slopes (Nocedal & Wright 3.59) in bounds, or their middle."""
    if a.t > b.t:
        a, b = b, a
    low, high = bounds or (a.t, b.t)
    d1 = a.slope + b.slope - 3 * (a.f - b.f) / (a.t - b.t)
    square = d1 * d1 - a.slope * b.slope
    if square < 0:
        return (low + high) / 2
    d2 = np.sqrt(square)
    t = b.t - (b.t - a.t) * ((b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2))
    return min(max(t, low), high)


def strong_wolfe(evaluate, start: Trial, t, size, max_evals, c1=1e-4, c2=0.9, tolerance_change=1e-9):
    """A step that meets the strong Wolfe conditions (Nocedal & Wright 3.5 and 3.6; safeguards as in torch, minFunc).

    `evaluate(t)` gives a Trial; `size` is the largest |direction|. Returns (Trial, evaluations).
    """

    def too_high(trial):
        return trial.f > start.f + c1 * trial.t * start.slope

    def flat_enough(trial):
        return abs(trial.slope) <= -c2 * start.slope

    # bracket: longer and longer steps, until a minimum must lie between the last two
    previous, now = start, evaluate(t)
    rounds = 0
    while rounds < max_evals:
        if too_high(now) or (rounds > 1 and now.f >= previous.f):
            break
        if flat_enough(now):
            return now, rounds + 1
        if now.slope >= 0:
            break
        t = cubic_minimum(previous, now, bounds=(now.t + 0.01 * (now.t - previous.t), now.t * 10))
        previous, now = now, evaluate(t)
        rounds += 1
    if rounds == max_evals:
        previous = start
    evals = rounds + 1

    # zoom: shrink the bracket, whose better end is `low`; of equals the first
    ends = [previous, now]
    low = 0 if ends[0].f <= ends[1].f else 1
    little_progress = False
    while rounds < max_evals and abs(ends[1].t - ends[0].t) * size >= tolerance_change:
        left, right = min(e.t for e in ends), max(e.t for e in ends)
        t = cubic_minimum(*ends)
        margin = 0.1 * (right - left)
        near = min(right - t, t - left) < margin
        if near and (little_progress or t >= right or t <= left):  # the second time, or at an end: keep away from it
            t = right - margin if abs(t - right) < abs(t - left) else left + margin
            near = False
        little_progress = near
        now = evaluate(t)
        evals += 1
        rounds += 1
        if too_high(now) or now.f >= ends[low].f:
            ends[1 - low] = now
            low = 0 if ends[0].f <= ends[1].f else 1
        else:
            if flat_enough(now):
                return now, evals
            if now.slope * (ends[1 - low].t - ends[low].t) >= 0:
                ends[1 - low] = ends[low]
            ends[low] = now
    return ends[low], evals


class LBFGS:
    """torch.optim.LBFGS: limited-memory BFGS by the two-loop recursion (Nocedal & Wright, algorithm 7.4).

    A step is up to max_iter iterations. Without a line search the step length is lr (at first min(1, 1/|g|_1) lr).
    """

    def __init__(
        self,
        lr=1.0,
        max_iter=20,
        max_eval=None,
        tolerance_grad=1e-7,
        tolerance_change=1e-9,
        history_size=100,
        line_search_fn=None,
    ):
        self.lr, self.max_iter, self.history_size = lr, max_iter, history_size
        self.max_eval = max_iter * 5 // 4 if max_eval is None else max_eval
        self.tolerance_grad, self.tolerance_change = tolerance_grad, tolerance_change
        self.line_search_fn = line_search_fn
        self.pairs = []  # (s, y) = (change of the parameters, change of the gradient), oldest first
        self.scale = 1.0  # of the initial inverse Hessian
        self.direction = self.t = self.previous_gradient = None
        self.iterations = self.evaluations = 0

    def two_loops(self, g):
        """-H g."""
        q = -g
        alphas = []
        for s, y in reversed(self.pairs):
            alphas.append(s @ q / (y @ s))
            q = q - alphas[-1] * y
        r = q * self.scale
        for (s, y), alpha in zip(self.pairs, reversed(alphas), strict=True):
            r = r + (alpha - y @ r / (y @ s)) * s
        return r

    def remember(self, s, y):
        if y @ s > 1e-10:
            self.pairs = (self.pairs + [(s, y)])[-self.history_size :]
            self.scale = (y @ s) / (y @ y)

    def step(self, closure, params):
        """One step, in place; returns the loss before it."""

        def place(flat):
            offset = 0
            for p in params:
                p[...] = flat[offset : offset + p.size].reshape(p.shape)
                offset += p.size

        def evaluate(flat):
            place(flat)
            f, grads = closure()
            return float(f), np.concatenate([np.ravel(g) for g in grads]).astype(np.float64)

        x = np.concatenate([np.ravel(p) for p in params])
        f, g = evaluate(x)
        first, evals = f, 1
        if np.abs(g).max() <= self.tolerance_grad:
            self.evaluations += evals
            return first
        for iteration in range(1, self.max_iter + 1):
            self.iterations += 1
            if self.iterations == 1:
                self.direction = -g
                self.t = min(1.0, 1.0 / np.abs(g).sum()) * self.lr
            else:
                self.remember(self.t * self.direction, g - self.previous_gradient)
                self.direction = self.two_loops(g)
                self.t = self.lr
            d, previous_f = self.direction, f
            self.previous_gradient = g
            slope = g @ d
            if slope > -self.tolerance_change:
                break
            if self.line_search_fn == "strong_wolfe":

                def along(t, x=x, d=d):
                    f_t, g_t = evaluate(x + t * d)
                    return Trial(t, f_t, g_t, g_t @ d)

                trial, used = strong_wolfe(
                    along, Trial(0.0, f, g, slope), self.t, np.abs(d).max(), self.max_eval - evals
                )
                self.t, f, g = trial.t, trial.f, trial.g
                x = x + self.t * d
                place(x)
                evals += used
            else:
                x = x + self.t * d
                place(x)
                if iteration < self.max_iter:  # the last point's gradient would not be used
                    f, g = evaluate(x)
                    evals += 1
            if iteration == self.max_iter or evals >= self.max_eval:
                break
            if np.abs(g).max() <= self.tolerance_grad or np.abs(self.t * d).max() <= self.tolerance_change:
                break
            if abs(f - previous_f) < self.tolerance_change:
                break
        self.evaluations += evals
        return first


OPTIMIZERS = {
    "SGD": SGD,
    "RMSprop": RMSprop,
    "Adagrad": Adagrad,
    "Adam": Adam,
    "AdamW": AdamW,
    "Rprop": Rprop,
    "LBFGS": LBFGS,
}
