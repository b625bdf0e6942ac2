"""Learning-rate schedules: functions of the epoch, a float (3.5: half way through the fourth epoch)."""

import math


def Step(lr, every, factor=0.1):
    """lr factor^floor(epoch / every) (torch StepLR)."""
    return lambda epoch: lr * factor ** math.floor(epoch / every)


def Exponential(lr, decay):
    """lr decay^epoch: `decay` is the factor of one epoch (torch ExponentialLR's gamma)."""
    return lambda epoch: lr * decay**epoch


def _cosine(start, end, share):
    """From `start` at share 0 to `end` at share 1 along half a cosine."""
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2


def Cosine(lr, epochs, final=0.0):
    """Half a cosine from lr to final over `epochs`, then final (torch CosineAnnealingLR without its rise)."""
    return lambda epoch: _cosine(lr, final, min(epoch / epochs, 1.0))


def OneCycle(peak, epochs, warmup=0.3, start_factor=25.0, final_factor=1e4):
    """peak/start_factor up to peak over the share `warmup`, down to start/final_factor, both along half a cosine.

    torch OneCycleLR (Smith & Topin 2018), the rate only; the last rate stays after `epochs`.
    """
    start = peak / start_factor
    top = warmup * epochs

    def lr(epoch):
        if epoch < top:
            return _cosine(start, peak, epoch / top)
        return _cosine(peak, start / final_factor, min((epoch - top) / (epochs - top), 1.0))

    return lr


def Warmup(schedule, epochs):
    """A rate or schedule times min(1, epoch / epochs); the schedule sees the same epoch."""
    after = schedule if callable(schedule) else lambda epoch: schedule
    return lambda epoch: after(epoch) * min(1.0, epoch / epochs)


SCHEDULES = {"Step": Step, "Exponential": Exponential, "Cosine": Cosine, "OneCycle": OneCycle, "Warmup": Warmup}
