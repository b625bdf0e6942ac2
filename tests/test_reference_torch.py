"""The NumPy reference against PyTorch, where it is installed."""

import importlib.util

import numpy as np
import pytest
from reference import activations, losses, network, optimizers, schedules
from test_reference import CLASSES, LOSS_CASES, loss_data, rng

needs_torch = pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="PyTorch is not installed")


def tensor(a, grad=False):
    import torch

    return torch.tensor(np.asarray(a), dtype=torch.float64, requires_grad=grad)


@needs_torch
@pytest.mark.parametrize("name", activations.ACTIVATIONS)
def test_activation_against_torch(name):
    import torch
    import torch.nn.functional as F

    function = {
        "linear": lambda z: z * 1,
        "gelu_tanh": lambda z: F.gelu(z, approximate="tanh"),
        "softmax": lambda z: F.softmax(z, dim=-1),
        "sigmoid": torch.sigmoid,
        "tanh": torch.tanh,
        "hard_sigmoid": F.hardsigmoid,
        "hard_swish": F.hardswish,
    }.get(name) or getattr(F, name)
    special = [-30.0, -20.0, -3.0, -1.0, 0.0, 1.0, 3.0, 20.0, 20.5, 30.0]
    z = np.concatenate([np.linspace(-8, 8, 64), special])[None]
    dy = rng(1).normal(size=z.shape)
    zt = tensor(z, grad=True)
    out = function(zt)
    out.backward(tensor(dy))
    np.testing.assert_allclose(activations.forward(name, z), out.detach().numpy(), rtol=1e-13, atol=1e-14)
    rtol = 1e-7 if name == "hard_sigmoid" else 1e-12  # PyTorch's 1/6 there is a float32
    np.testing.assert_allclose(activations.backward(name, z, dy), zt.grad.numpy(), rtol=rtol, atol=1e-14)


@needs_torch
@pytest.mark.parametrize("name, params", [c for c in LOSS_CASES if c[0] not in ("quadratic", "quantile", "hinge")])
def test_loss_against_torch(name, params):
    import torch
    from torch import nn

    function = {
        "mse": nn.MSELoss,
        "mae": nn.L1Loss,
        "huber": nn.HuberLoss,
        "poisson": lambda: nn.PoissonNLLLoss(log_input=False),
        "cross_entropy": nn.CrossEntropyLoss,
        "binary_cross_entropy": nn.BCEWithLogitsLoss,
    }[name](**params)
    y, pred = loss_data(name, (7, CLASSES))
    if name != "cross_entropy":
        pred[0, 0] = y[0, 0] + (name == "huber") * params.get("delta", 1.0)  # a kink
    pt = tensor(pred, grad=True)
    value = function(pt, torch.tensor(y) if name == "cross_entropy" else tensor(y))
    value.backward()
    mean, gradient = losses.batch_loss(*losses.LOSSES[name](y, pred, **params))
    assert mean == pytest.approx(value.item(), rel=1e-13)
    np.testing.assert_allclose(gradient, pt.grad.numpy(), rtol=1e-12, atol=1e-15)


OPTIMIZER_CASES = [
    ("SGD", {"lr": 0.05}),
    ("SGD", {"lr": 0.05, "momentum": 0.9}),
    ("SGD", {"lr": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
    ("RMSprop", {}),
    ("RMSprop", {"momentum": 0.9, "centered": True, "weight_decay": 0.01}),
    ("Adagrad", {}),
    ("Adagrad", {"lr_decay": 0.1, "initial_accumulator_value": 0.1, "weight_decay": 0.01}),
    ("Adam", {}),
    ("Adam", {"lr": 0.05, "weight_decay": 0.1, "betas": (0.8, 0.95)}),
    ("AdamW", {}),
    ("AdamW", {"lr": 0.05, "weight_decay": 0.1}),
    ("Rprop", {}),
    ("Rprop", {"lr": 0.1, "etas": (0.4, 1.3), "step_sizes": (1e-3, 0.2)}),
]


def small_problem(l2=0.0):
    """Parameters, and the loss (and gradients) of a little tanh network for NumPy and for PyTorch."""
    import torch

    g = rng(21)
    params = [g.normal(size=(4, 3)), g.normal(size=4), g.normal(size=(2, 4)), g.normal(size=2)]
    x, y = g.normal(size=(12, 3)), g.normal(size=(12, 2))
    tensors = [tensor(p, grad=True) for p in params]

    def grads():
        net = network.Network(
            [
                {"kind": "dense", "weight": params[0], "bias": params[1], "activation": "tanh"},
                {"kind": "dense", "weight": params[2], "bias": params[3]},
            ]
        )
        value, gradients = net.gradients(x, y, "mse")
        value += l2 / 2 * sum((p * p).sum() for p in params)
        return value, [d + l2 * p for d, p in zip(gradients.values(), params, strict=True)]

    def torch_loss():
        w1, b1, w2, b2 = tensors
        for t in tensors:
            t.grad = None
        out = torch.tanh(tensor(x) @ w1.T + b1) @ w2.T + b2
        value = ((out - tensor(y)) ** 2).mean() + l2 / 2 * sum((t * t).sum() for t in tensors)
        value.backward()
        return value

    return params, grads, tensors, torch_loss


@needs_torch
@pytest.mark.parametrize("name, options", OPTIMIZER_CASES)
@pytest.mark.parametrize("clip", [None, "clip_norm", "clip_value"])
def test_optimizer_against_torch(name, options, clip):
    import torch

    params, grads, tensors, torch_loss = small_problem()
    before = [p.copy() for p in params]
    size = {"clip_norm": 0.1, "clip_value": 0.02}.get(clip)
    limit = {} if clip is None else {clip: size}
    assert clip is None or max(np.abs(g).max() for g in grads()[1]) > size
    mine = optimizers.OPTIMIZERS[name](**options, **limit)
    theirs = getattr(torch.optim, name)(tensors, **options)
    if name == "SGD":
        assert isinstance(mine.lr, float)
    for _ in range(40):
        mine.step(params, grads()[1])
        torch_loss()
        if clip == "clip_norm":
            torch.nn.utils.clip_grad_norm_(tensors, size)
        if clip == "clip_value":
            torch.nn.utils.clip_grad_value_(tensors, size)
        theirs.step()
    for p, t, b in zip(params, tensors, before, strict=True):
        np.testing.assert_allclose(p, t.detach().numpy(), rtol=1e-11, atol=1e-12)
        assert np.abs(p - b).max() > 1e-3


@needs_torch
@pytest.mark.parametrize("name", [n for n in optimizers.OPTIMIZERS if n != "LBFGS"])
def test_optimizer_defaults_against_torch(name):
    import torch

    theirs = getattr(torch.optim, name)([tensor([1.0], grad=True)]).defaults
    mine = vars(optimizers.OPTIMIZERS[name]())
    if name == "SGD":
        assert theirs["lr"] in (1e-3, 0.01)  # 1e-3 since PyTorch 2.3; API.md says 0.01
        theirs.pop("lr")
    for key, value in theirs.items():
        if key in mine:
            assert mine[key] == value, key


@needs_torch
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"lr": 0.5, "history_size": 3},
        {"line_search_fn": "strong_wolfe"},
        {"line_search_fn": "strong_wolfe", "lr": 10.0, "max_iter": 4},
        {"line_search_fn": "strong_wolfe", "history_size": 2, "max_iter": 3, "max_eval": 4},
        {"line_search_fn": "strong_wolfe", "max_iter": 1},
    ],
)
def test_lbfgs_against_torch(options):
    """With some weight decay: a badly conditioned problem doubles the rounding errors at every iteration."""
    import torch

    params, grads, tensors, torch_loss = small_problem(l2=0.1)
    mine, theirs = optimizers.LBFGS(**options), torch.optim.LBFGS(tensors, **options)
    steps = {20: 3, 1: 20}.get(options.get("max_iter", 20), 12)
    for _ in range(steps):
        loss, expected = mine.step(grads, params), theirs.step(torch_loss).item()
        assert loss == pytest.approx(expected, rel=1e-12)
        for p, t in zip(params, tensors, strict=True):
            np.testing.assert_allclose(p, t.detach().numpy(), rtol=1e-9, atol=1e-10)
    state = theirs.state[tensors[0]]
    assert (mine.iterations, mine.evaluations) == (state["n_iter"], state["func_evals"])
    assert mine.iterations >= 20 and loss < 0.9 * small_problem(l2=0.1)[1]()[0]


@needs_torch
def test_strong_wolfe_against_torch(monkeypatch):
    """On waves in one dimension, from first steps far too short and far too long.

    The cubic's minimum is compared by itself, then shared: where the wave is almost straight it loses half its digits,
    and a last bit decides the path.
    """
    from torch.optim import lbfgs

    if not (hasattr(lbfgs, "_strong_wolfe") and hasattr(lbfgs, "_cubic_interpolate")):
        pytest.skip("this PyTorch hides its line search")
    theirs = lbfgs._strong_wolfe
    g = rng(31)

    def cubic(x1, f1, g1, x2, f2, g2, bounds=None):
        ends = [optimizers.Trial(float(x), float(f), None, float(s)) for x, f, s in ((x1, f1, g1), (x2, f2, g2))]
        return optimizers.cubic_minimum(*ends, bounds)

    for _ in range(300):
        x1, x2, f1, f2, g1, g2 = g.normal(size=6).tolist()
        bounds = None if g.random() < 0.5 else (-0.5, 0.5)
        expected = float(lbfgs._cubic_interpolate(x1, f1, tensor(g1), x2, f2, tensor(g2), bounds))
        assert cubic(x1, f1, g1, x2, f2, g2, bounds) == pytest.approx(expected, rel=1e-10)
    monkeypatch.setattr(lbfgs, "_cubic_interpolate", cubic)
    seen = set()
    for _ in range(300):
        a, b, c, distance = *g.normal(size=3), 10.0 ** g.uniform(-3, 2)

        def value(x, a=a, b=b, c=c):
            return a * np.sin(x) + b * np.sin(2.3 * x + 1) + c * np.cos(0.7 * x) + 0.02 * x * x

        def slope(x, a=a, b=b, c=c):
            return a * np.cos(x) + 2.3 * b * np.cos(2.3 * x + 1) - 0.7 * c * np.sin(0.7 * x) + 0.04 * x

        d = -slope(0.0)
        first = distance / abs(d)

        def trial(t, d=d, value=value, slope=slope):
            return optimizers.Trial(t, value(t * d), np.array([slope(t * d)]), slope(t * d) * d)

        def objective(x, t, direction, value=value, slope=slope):
            at = x + float(t) * direction
            return float(value(at.item())), tensor([slope(at.item())])

        evals_allowed = int(g.integers(1, 26))
        found, evals = optimizers.strong_wolfe(trial, trial(0.0), first, abs(d), evals_allowed)
        f, _, t, expected_evals = theirs(
            objective,
            tensor([0.0]),
            first,
            tensor([d]),
            value(0.0),
            tensor([-d]),
            tensor(-d * d),
            max_ls=evals_allowed,
        )
        assert evals == expected_evals
        assert found.t == pytest.approx(float(t), rel=1e-9, abs=1e-12) and found.f == pytest.approx(f, rel=1e-9)
        seen.add(evals)
    assert len(seen) >= 6


@needs_torch
@pytest.mark.parametrize("peak, epochs, warmup", [(1.0, 10, 0.3), (0.2, 8, 0.5)])
def test_schedules_against_torch(peak, epochs, warmup):
    import torch

    def run(make):
        optimizer = torch.optim.SGD([tensor([1.0], grad=True)], lr=peak)
        schedule = make(optimizer)
        rates = []
        for _ in range(epochs):
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            schedule.step()
        return rates

    def mine(schedule):
        return [schedule(e) for e in range(epochs)]

    lr = torch.optim.lr_scheduler
    assert mine(schedules.Step(peak, 3)) == pytest.approx(run(lambda o: lr.StepLR(o, 3)))
    assert mine(schedules.Exponential(peak, 0.8)) == pytest.approx(run(lambda o: lr.ExponentialLR(o, 0.8)))
    cosine = run(lambda o: lr.CosineAnnealingLR(o, epochs, eta_min=0.01))
    assert mine(schedules.Cosine(peak, epochs, 0.01)) == pytest.approx(cosine)
    share = (warmup * epochs + 1) / (epochs + 1)  # PyTorch counts steps, from 0 to total_steps - 1
    cycle = run(lambda o: lr.OneCycleLR(o, peak, total_steps=epochs + 1, pct_start=share, cycle_momentum=False))
    assert mine(schedules.OneCycle(peak, epochs, warmup)) == pytest.approx(cycle)
