"""The learning rate: too small, right, too large, and what it looks like when training breaks down."""

import numpy as np
import story

import cnn
from cnn.datasets import digits

args = story.arguments(__doc__, epochs=30)

# Real data: 1797 handwritten digits of 8x8 pixels. A fifth is kept aside to see how the network does on digits it has not met.
X, y = digits()
X = X / 16
order = np.random.default_rng(0).permutation(len(X))
train, test = order[:1437], order[1437:]

# 1. The same network and the same first weights; only the rate differs. Plain gradient descent, so that nothing corrects the rate.
curves = {}
print("  rate   loss at the end   test accuracy")
for lr in (0.001, 0.01, 0.3, 3.0):
    net = cnn.Network([64, 32, 10], activation="relu", output="softmax", seed=0)
    history = net.fit(
        X[train], y[train], epochs=args.epochs, optimizer=cnn.SGD(lr), validation_data=(X[test], y[test]), verbose=0
    )
    accuracy = net.evaluate(X[test], y[test], metrics=["accuracy"])["accuracy"]
    curves[lr] = history.history["loss"]
    print(f"{lr:6g} {curves[lr][-1]:12.3f} {accuracy:17.1%}")
print(
    "Too small: it learns, but would need hundreds of epochs. Too large: every step overshoots, and nothing is learnt."
)
print(f"A network that knows nothing and says 1/10 for each digit has the loss ln 10 = {np.log(10):.3f}.\n")

# 2. Worse than too large: the numbers grow until they overflow. With squared error and pixels of 0 to 16 that is quickly reached.
# By default fit then raises, naming the step, and keeps the last weights that were numbers.
net = cnn.Network([64, 1], seed=0)
try:
    net.fit(X * 16, y.astype(float), optimizer=cnn.SGD(0.01), verbose=0)
except FloatingPointError as error:
    print(f"on_nan='raise':  {error}")
print(f"                 weights are still numbers: {np.isfinite(net.parameters['dense_1.weight']).all()}")
# on_nan="stop" ends the fit without an error; "ignore" goes on, and all turns to NaN.
net = cnn.Network([64, 1], seed=0)
history = net.fit(X * 16, y.astype(float), epochs=5, optimizer=cnn.SGD(0.01), verbose=0, on_nan="stop")
print(f"on_nan='stop':   {len(history)} whole epochs of 5")
net = cnn.Network([64, 1], seed=0)
history = net.fit(X * 16, y.astype(float), epochs=5, optimizer=cnn.SGD(0.01), verbose=0, on_nan="ignore")
print(f"on_nan='ignore': loss {history.history['loss'][-1]}")
# The cures: a smaller rate, inputs of about -1 to 1, or steps that are cut to a length.
for text, data, optimizer in (
    ("rate 0.0001", X * 16, cnn.SGD(0.0001)),
    ("pixels 0..1", X, cnn.SGD(0.01)),
    ("clip_norm=1", X * 16, cnn.SGD(0.01, clip_norm=1)),
):
    net = cnn.Network([64, 1], seed=0)
    history = net.fit(data, y.astype(float), epochs=20, optimizer=optimizer, verbose=0)
    print(f"  {text}: loss {history.history['loss'][-1]:.2f}")

# 3. One rate need not serve the whole fit: a schedule begins large and ends small. And Adam chooses the size of each weight's step itself.
print()
for text, optimizer in (
    ("SGD(0.3)", cnn.SGD(0.3)),
    ("SGD, 1.0 down to 0 along a cosine", cnn.SGD(cnn.schedules.Cosine(1.0, args.epochs))),
    ("Adam(0.003)", cnn.Adam(0.003)),
):
    net = cnn.Network([64, 32, 10], activation="relu", output="softmax", seed=0)
    net.fit(X[train], y[train], epochs=args.epochs, optimizer=optimizer, verbose=0)
    print(f"{text:34} test accuracy {net.evaluate(X[test], y[test], metrics=['accuracy'])['accuracy']:.1%}")

axes = story.panels(1, width=5.5, height=3)
if axes:
    words = {0.001: "far too small", 0.01: "small", 0.3: "right", 3.0: "too large"}
    for lr, losses in curves.items():
        axes[0].semilogy(range(1, len(losses) + 1), losses, label=f"{lr:g}: {words[lr]}", linewidth=2)
    axes[0].axhline(np.log(10), color="gray", linestyle=":")
    axes[0].text(18, np.log(10) * 1.15, "loss of a guess, ln 10", color="gray", va="bottom")
    axes[0].set_ylim(top=5)
    axes[0].set_xlabel("epoch")
    axes[0].set_ylabel("training loss")
    axes[0].set_title("Digits: four learning rates")
    axes[0].legend(fontsize="small")
    story.save(axes, args.folder, "05_learning_rates.png")
