"""A first network: two spirals, told apart."""

import numpy as np

import cnn


def spirals(n: int, noise: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """n points of two arms, and which arm each is of."""
    rng = np.random.default_rng(seed)
    arm = rng.integers(0, 2, n)
    angle = 3 * np.pi * np.sqrt(rng.random(n))
    turn = angle + np.pi * arm
    points = np.stack([angle * np.cos(turn), angle * np.sin(turn)], axis=1) / 4
    return points + noise * rng.normal(size=(n, 2)), arm


if __name__ == "__main__":
    X, y = spirals(2000, 0.05, seed=0)
    X_test, y_test = spirals(1000, 0.05, seed=1)
    net = cnn.Network([2, 32, 32, 2], activation="tanh", output="softmax", seed=0)
    net.summary()
    history = net.fit(X, y, epochs=60, optimizer=cnn.Adam(0.01), metrics=["accuracy"], validation_split=0.1)
    print(f"loss {history.history['loss'][0]:.3f} -> {history.history['loss'][-1]:.3f}")
    print(f"accuracy on new points: {net.evaluate(X_test, y_test)['accuracy']:.1%}")
