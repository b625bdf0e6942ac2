"""A small residual network sorts clothes: Fashion-MNIST, with shortcuts, batch normalization and changed pictures.

The pictures are fetched once (apt-get is needed, or Debian's dataset-fashion-mnist); ``--real 0`` takes the small digits that come with
cnn. Ten epochs take some minutes.
"""

import time

import numpy as np
import story
from image_data import images, show

import cnn

args = story.arguments(__doc__, epochs=10, real=1)
(X, y), (test_X, test_y), classes = images("fashion", args.real)


def convolution(x, filters, kernel=3, stride=1):
    """The normalization has a bias of its own, so the convolution needs none."""
    return cnn.BatchNorm()(cnn.Conv2D(filters, kernel, stride=stride, padding=kernel // 2, bias=False)(x))


def block(x, filters, stride=1):
    """Two convolutions, whose sum with what went in comes out: they learn what is to be changed (He et al. 2016)."""
    y = cnn.Activation("relu")(convolution(x, filters, stride=stride))
    y = convolution(y, filters)
    short = x if stride == 1 else convolution(x, filters, 1, stride)
    return cnn.Activation("relu")(cnn.Add()([y, short]))


inputs = cnn.Input((1, 28, 28))
x = cnn.Activation("relu")(convolution(cnn.Rescale(1 / 255)(inputs), 16))
x = block(x, 16)  # 28x28
x = block(x, 32, stride=2)  # 14x14
x = block(x, 64, stride=2)  # 7x7
outputs = cnn.Dense(len(classes), activation="softmax")(cnn.GlobalAvgPool2D()(x))
net = cnn.Network(inputs=inputs, outputs=outputs, seed=0)
print(f"{net.count_parameters()} parameters, {len(net.layers)} layers")

# Each training picture is mirrored at random and cut out of one that is two pixels larger on every side: never the same picture twice.
augment = cnn.data.Augment(flip="horizontal", crop=2)
start = time.perf_counter()
history = net.fit(
    X,
    y,
    epochs=args.epochs,
    batch_size=64,
    optimizer=cnn.AdamW(cnn.schedules.OneCycle(0.01, args.epochs), weight_decay=0.01),
    augment=augment,
    validation_data=(test_X, test_y),
    metrics=["accuracy"],
    verbose=0,
)
print(f"{args.epochs} epochs of {len(X)} pictures in {time.perf_counter() - start:.0f} s, with a test after each")
for epoch, (train, test) in enumerate(
    zip(history.history["accuracy"], history.history["val_accuracy"], strict=True), 1
):
    print(
        f"  epoch {epoch:2}: {train:.2%} of the training pictures as changed, {test:.2%} of {len(test_X)} test pictures"
    )

p = net.predict(test_X)
found = p.argmax(axis=1)
table = cnn.metrics.confusion_matrix(test_y, found, classes=range(len(classes)))
print("of each class found, and what it is most often taken for")
for j, name in enumerate(classes):
    others = np.where(np.arange(len(classes)) == j, -1, table[j])
    print(f"  {name:11} {table[j, j] / table[j].sum():6.1%}  {classes[int(others.argmax())]} ({others.max()})")

axes = story.panels(6, 2, width=1.1, height=1.3)
if axes:
    show(axes[0], X[0, 0], "as it is")
    for k, ax in enumerate(axes[1:6]):
        show(ax, augment(X[:1], epoch=k)[0, 0], "in training")
    wrong = np.flatnonzero(found != test_y)
    worst = wrong[np.argsort(-p[wrong].max(axis=1))]
    for ax, k in zip(axes[6:], worst, strict=False):
        show(ax, test_X[k, 0], f"{classes[test_y[k]]},\nread {classes[found[k]]}")
    for ax in axes[6 + len(worst) :]:
        ax.axis("off")
    story.save(axes, args.folder, "11_fashion_resnet.png")
