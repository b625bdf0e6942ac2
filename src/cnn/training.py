"""Training and evaluation: from what a person passes to one call of the engine."""

from typing import Any

import numpy as np

from . import _core, targets
from .arrays import by_output, is_array, one_sample
from .batches import Batches, is_batches
from .callbacks import wrap
from .checks import whole
from .choices import Choices, MetricPlan, listed
from .fitting import Loop
from .history import History
from .names import explained, shown, unknown
from .optimizers import LBFGS, SGD

Data = tuple[list[np.ndarray], list[np.ndarray], np.ndarray | None]


class _Default(int):
    """An int that can be told from the same number given."""


BATCH_SIZE = _Default(32)


class Training(Choices):
    """`fit` and its kin."""

    @explained
    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        epochs: int = 10,
        batch_size: int = BATCH_SIZE,
        optimizer: Any = None,
        loss: Any = None,
        metrics: Any = None,
        validation_data: Any = None,
        validation_split: float = 0.0,
        shuffle: bool = True,
        sample_weight: Any = None,
        class_weight: Any = None,
        lengths: Any = None,
        callbacks: Any = None,
        verbose: Any = "auto",
        on_nan: str = "raise",
        steps_per_epoch: int | None = None,
        resume: Any = None,
        augment: Any = None,
    ) -> History:
        """Train.

        Parameters
        ----------
        X : array-like (n, *input_shape), or an iterable of batches, or a table
            Anything NumPy can see: lists, pandas, polars, torch tensors, memory maps. A list, or a dict by layer name, for several inputs.
            With ``net.preprocessing`` a table, too: a frame, a dict of columns, a list of dicts, the path of a CSV file; or a folder of
            pictures.
            An iterable (a torch DataLoader, too) gives ``(X, y)`` or ``(X, y, weights)``; its weights are used as they are.
        y : array-like
            Class indices or one-hot rows for cross_entropy, 0..1 for binary_cross_entropy, numbers like the outputs for the rest.
            Where ``net.classes`` are known their names, too. Left out with a table: its target column.
        epochs : int, default 10
        batch_size : int, default 32
            The last batch may be short. LBFGS takes the whole set.
        optimizer : str or Optimizer, optional
            None and the same object go on with the current one (first: ``Adam(1e-3)``); a name or a new object begins afresh.
        loss : str, Loss or callable, optional
            None: the last one, else by the output: softmax -> cross_entropy, sigmoid -> binary_cross_entropy, linear -> mse.
        metrics : list of str or callables, optional
        validation_data : (X, y) or (X, y, weights), or an iterable of batches, optional
        validation_split : float in [0, 1), default 0
            The share of rows kept for validation: random, by the network's seed, stratified for class labels.
        shuffle : bool, default True
        sample_weight : array-like (n,) or (n, time), optional
        class_weight : dict of label to weight, or "balanced", optional
            The product of both is scaled to mean 1 over the training rows.
        callbacks : list, optional
            `Callback` objects, or functions ``f(epoch, logs)``.
        verbose : {"auto", 0, 1, 2}
            Silent, a bar, a line an epoch; "auto" is a bar on a terminal or in Jupyter. To stderr.
        on_nan : {"raise", "stop", "ignore"}
            What to do when the loss becomes NaN or infinite.
        steps_per_epoch : int, optional
            End each epoch after so many batches.
        resume : path, optional
            A checkpoint with training state of a fit that was cut off: go on from it, up to `epochs` in all, bit for bit.
        augment : cnn.data.Augment, optional
            Images of the training batches are changed at random; those of the validation data never are.

        Returns
        -------
        History
            Also in ``net.history``; an interrupted fit leaves what there is of it there.

        Raises
        ------
        ValueError, TypeError
            Before any work, for arguments and data that do not fit; the network is as it was.
        FloatingPointError
            When the loss becomes NaN or infinite.
        """
        self._begin_training()
        before, version = self._choices(), self._version
        seed, epochs_before = self.seed, self._epochs
        values = self._arena() if resume is not None else b""
        try:
            if lengths is not None:
                raise ValueError("lengths= goes with recurrent layers; this network has none")
            if on_nan not in ("raise", "stop", "ignore"):
                raise ValueError(unknown("on_nan", str(on_nan), ("raise", "stop", "ignore")))
            epochs = whole("epochs", epochs, 0)
            spec = _augment_spec(augment)
            history = self._resume(resume) if resume is not None else History()
            version = self._version
            plan = self._choose(optimizer, loss, metrics, keep_state=resume is not None)
            X, y = self._from_table(X, y)
            train, rows = self._training_data(X, y, batch_size, sample_weight, class_weight, validation_split)
            trainer = self._ready_trainer(rows)
            data, validation = self._checked_data(
                trainer, train, validation_data, sample_weight, class_weight, validation_split
            )
            loop = Loop(
                self, trainer, plan, history, [wrap(c) for c in listed(callbacks)], verbose, validation is not None
            )
            if self.classes is None:
                self.classes = self._class_names()
            return loop.run(
                data,
                validation,
                epochs=max(epochs - len(history), 0),
                batch_rows=rows,
                steps_per_epoch=0 if steps_per_epoch is None else whole("steps_per_epoch", steps_per_epoch),
                shuffle=bool(shuffle),
                on_nan=on_nan,
                augment=spec,
            )
        except BaseException:
            if self._version == version:  # nothing was trained
                if values and self._arena() != values:
                    self._initialize(seed)
                    self._set_arena(values)
                    self._epochs = epochs_before
                self._restore(before)
            raise
        finally:
            self._training.release()

    def _begin_training(self) -> None:
        """One at a time; the caller releases `_training`."""
        if not self._training.acquire(blocking=False):
            raise _core.BusyError(
                "the network is being trained; a callback cannot train it, and other threads need net.copy()"
            )

    @explained
    def train(self, data: Any, y_trues: Any, learn_rate: float = 0.1, epochs: int = 1000) -> History:
        """The tutorial's loop: mean squared error, plain gradient descent, one sample at a time, in order."""
        optimizer = SGD(learn_rate)
        return self.fit(
            data,
            y_trues,
            epochs=epochs,
            batch_size=1,
            optimizer=optimizer,
            loss="mse",
            metrics=[],
            shuffle=False,
            verbose=0,
        )

    @explained
    def partial_fit(
        self,
        X: Any,
        y: Any,
        *,
        sample_weight: Any = None,
        class_weight: Any = None,
        optimizer: Any = None,
        loss: Any = None,
    ) -> float:
        """One step on this batch.

        Parameters
        ----------
        X, y, sample_weight, class_weight, optimizer, loss
            As in `fit`.

        Returns
        -------
        float
            The batch's loss before the step.
        """
        self._begin_training()
        before, version = self._choices(), self._version
        try:
            if optimizer is not None or loss is not None or self._optimizer is None:
                self._choose(optimizer, loss, None)
            X, y = self._from_table(X, y)
            inputs = self._input_arrays(X)
            trainer = self._ready_trainer(max(len(inputs[0]), 1))
            return float(trainer.step(self._data(trainer, inputs, y, sample_weight, class_weight))[0])
        except BaseException:
            if self._version == version:
                self._restore(before)
            raise
        finally:
            self._training.release()

    @explained
    def evaluate(
        self, X: Any, y: Any = None, *, loss: Any = None, metrics: Any = None, sample_weight: Any = None
    ) -> dict[str, float]:
        """The loss and the metrics on data, with dropout off.

        Parameters
        ----------
        X, y, sample_weight
            As in `fit`; an iterable of batches, too.
        loss, metrics : optional
            By default the last ones; for classes, "accuracy" where none was ever chosen.

        Returns
        -------
        dict of str to float
            ``{"loss": ..., "accuracy": ...}``
        """
        chosen = self._resolve_losses(loss)
        X, y = self._from_table(X, y)
        batches = Batches(X, None, "X") if is_batches(X, y) else None
        inputs = self._input_arrays(batches.first[0] if batches else X)
        if not len(inputs[0]):
            raise ValueError("X has no rows")
        trainer = self._ready_evaluator(len(inputs[0]) if batches else min(len(inputs[0]), 256), chosen)
        if metrics is None and self.metrics is None:
            metrics = self._by_output([["accuracy"] if name in _CLASS_LOSSES else [] for name in trainer.losses])
        plan = MetricPlan(self._resolve_metrics(metrics), self._ends[2])
        if batches is not None:
            if sample_weight is not None:
                raise ValueError("sample_weight goes with arrays; batches bring their own weights, as (X, y, weights)")
            data: Any = self._prepared(batches, trainer, divisible=True)
        else:
            data = self._data(trainer, inputs, y, sample_weight, None)
        figures = trainer.evaluate(data, batch_rows=trainer.max_batch, metrics=plan.specs, functions=plan.functions)
        self._spare_evaluator(trainer, chosen)
        return dict(zip(["loss", *plan.names], figures, strict=True))

    @explained
    def gradients(
        self, X: Any, y: Any, *, loss: Any = None, training: bool = False
    ) -> tuple[float, dict[str, np.ndarray]]:
        """The loss on data, and its gradient by each trainable parameter (penalties included); nothing is changed.

        Returns
        -------
        (float, dict of str to array)
            The data term, and name to gradient.
        """
        X, y = self._from_table(X, y)
        inputs = self._input_arrays(X)
        chosen = self._resolve_losses(loss)
        trainer = self._ready_evaluator(max(len(inputs[0]), 1), chosen)
        value = trainer.step(self._data(trainer, inputs, y, None, None), training=training, apply=False)[0]
        found = self._gradients_of(trainer)
        self._spare_evaluator(trainer, chosen)
        return float(value), found

    def _gradients_of(self, trainer: _core.Trainer) -> dict[str, np.ndarray]:
        found = {b["name"]: trainer.gradient(i) for i, b in enumerate(self._block_table) if b["kind"] == "weight"}
        return {name: g for name, g in found.items() if g is not None}

    # ---- Data

    def _training_data(
        self, X: Any, y: Any, batch_size: int, sample_weight: Any, class_weight: Any, split: float
    ) -> tuple[Any, int]:
        """(inputs and y, or Batches; rows of a batch)."""
        optimizer = self._optimizer
        rows = whole("batch_size", batch_size)
        if is_batches(X, y):
            if isinstance(optimizer, LBFGS):
                raise ValueError("LBFGS takes the whole set: pass arrays, or another optimizer")
            for name, value in (("sample_weight", sample_weight), ("class_weight", class_weight)):
                if value is not None:
                    raise ValueError(f"{name} goes with arrays; batches bring their own weights, as (X, y, weights)")
            if split:
                raise ValueError("validation_split goes with arrays; with batches pass validation_data=")
            batches = Batches(X, None, "X")
            if len(self._ends[0]) == 1 and one_sample(batches.first[0], self._ends[1][0]):
                raise ValueError(
                    "X gave pairs (x, y) of one sample, and batches have rows: pass arrays, as in X, y = map(np.array, zip(*pairs))"
                )
            known = [batches._split(b) for b in X] if isinstance(X, list | tuple) else [batches.first]
            most = max(len(self._input_arrays(one[0])[0]) for one in known)
            return batches, max(most, 1 if batch_size is BATCH_SIZE else rows)
        if y is None and isinstance(X, tuple) and len(X) == 2 and len(self._ends[0]) == 1:
            raise ValueError("y is missing, and X is a pair: pass X and y apart, as in net.fit(*pair)")
        if y is None:
            raise ValueError(
                "y is missing: fit takes X and y, or an iterable of batches (X, y) (to learn X itself, pass y=X)"
            )
        inputs = self._input_arrays(X)
        n = len(inputs[0])
        if n == 0:
            raise ValueError("X has no rows")
        if isinstance(optimizer, LBFGS):
            if batch_size is not BATCH_SIZE:
                raise ValueError(
                    f"batch_size={batch_size} was given, and LBFGS takes the whole set in each step: leave batch_size out"
                )
            rows = n
        return (inputs, y), min(rows, n)

    def _checked_data(
        self,
        trainer: _core.Trainer,
        train: Any,
        validation_data: Any,
        sample_weight: Any,
        class_weight: Any,
        split: float,
    ) -> tuple[Any, Any]:
        """(training data, validation data or None) for the engine."""
        if not isinstance(split, int | float | np.number) or not 0 <= split < 1:
            raise ValueError(f"validation_split is {split!r}; it must be at least 0 and below 1")
        if validation_data is not None and split:
            raise ValueError("validation_split and validation_data were both given; pass one of them")
        validation: Any = None
        if validation_data is not None:
            validation = self._validation_data(trainer, validation_data)
        if isinstance(train, Batches):
            return self._prepared(train, trainer, divisible=False), validation
        inputs, y = train
        if not split:
            return self._data(trainer, inputs, y, sample_weight, class_weight), validation
        whole_set = self._data(trainer, inputs, y, sample_weight, None)
        kept, held = self._split(trainer, whole_set[1], float(split))
        parts = [
            (
                [a[rows] for a in whole_set[0]],
                [a[rows] for a in whole_set[1]],
                None if whole_set[2] is None else whole_set[2][rows],
            )
            for rows in (kept, held)
        ]
        (tx, ty, tw), (vx, vy, vw) = parts
        by_class = (
            None
            if class_weight is None
            else targets.class_weights(class_weight, ty, trainer.losses, self._ends[3], self._class_names())
        )
        return (tx, ty, targets.combined(tw, by_class)), (vx, vy, None if vw is None else targets.scaled(vw))

    def _validation_data(self, trainer: _core.Trainer, given: Any) -> Any:
        if self._is_table(given):
            given = (given, None)
        if isinstance(given, tuple | list) and len(given) in (2, 3):
            given = type(given)([*self._from_table(*given[:2]), *given[2:]])
        if (
            isinstance(given, tuple | list)
            and len(given) in (2, 3)
            and not (isinstance(given, list) and isinstance(given[0], tuple))
        ):
            inputs = self._input_arrays(given[0], "validation_data[0]")
            if not len(inputs[0]):
                raise ValueError("validation_data has no rows")
            weights = given[2] if len(given) == 3 else None
            return self._data(trainer, inputs, given[1], weights, None, argument="validation_data[1]")
        if not hasattr(given, "__iter__") or is_array(given):
            raise TypeError(
                f"validation_data is of the type {type(given).__name__}; expected (X, y), (X, y, weights), or an iterable of batches"
            )
        return self._prepared(Batches(given, None, "validation_data"), trainer, divisible=True)

    def _prepared(self, batches: Batches, trainer: _core.Trainer, *, divisible: bool) -> Batches:
        batches.prepare = lambda bx, by, bw: self._data(trainer, self._input_arrays(bx), by, bw, None, scale=False)
        batches.most, batches.divisible = trainer.max_batch, divisible
        return batches

    def _data(
        self,
        trainer: _core.Trainer,
        inputs: list[np.ndarray],
        y: Any,
        sample_weight: Any,
        class_weight: Any,
        *,
        scale: bool = True,
        argument: str = "y",
    ) -> Data:
        """(inputs, targets, weights) for the engine, everything checked that it leaves to us."""
        names, shapes = self._ends[2:]
        given = [y] if len(names) == 1 and not isinstance(y, dict) else by_output(y, names, argument)
        rows = len(inputs[0])
        classes = self._class_names()
        checked = [
            targets.check_target(
                targets.coded(one, classes, argument),
                rows,
                trainer.losses[k],
                shapes[k],
                names[k],
                argument=argument if len(names) == 1 else f"{argument}[{k}]",
            )
            for k, one in enumerate(given)
        ]
        if sample_weight is None and class_weight is None:
            return inputs, checked, None
        weights = targets.check_weights(sample_weight, rows, shapes)
        by_class = None
        if class_weight is not None:
            by_class = targets.class_weights(class_weight, checked, trainer.losses, shapes, classes)
        return inputs, checked, targets.combined(weights, by_class) if scale else weights

    def _split(self, trainer: _core.Trainer, y: list[np.ndarray], share: float) -> tuple[np.ndarray, np.ndarray]:
        """(rows to train on, rows to validate on), each ascending."""
        n = len(y[0])
        shuffled = np.asarray(_core.random_permutation(self.seed, 6, 0, n)).astype(np.int64)
        labels = targets.classes_of(y[0], trainer.losses[0], self._ends[3][0]) if len(y) == 1 else None
        wanted = min(max(round(share * n), 1), n - 1)
        if n < 2:
            raise ValueError("validation_split needs at least 2 rows, and X has 1")
        if labels is None or labels.ndim != 1:
            held = shuffled[:wanted]
        else:
            # Each row's place among those of its class, as a share: the smallest are held, so that every class gives its share.
            classes, index, counts = np.unique(labels[shuffled], return_inverse=True, return_counts=True)
            place = np.empty(n)
            for c in range(len(classes)):
                place[index == c] = (np.arange(counts[c]) + 0.5) / counts[c]
            held = shuffled[np.argsort(place, kind="stable")[:wanted]]
        held = np.sort(held)
        return np.setdiff1d(np.arange(n), held, assume_unique=True), held

    def _resume(self, path: Any) -> History:
        """Takes a checkpoint's values, choices and counters; its history goes on."""
        from .io.native import load

        saved = load(path)
        if saved._pending is None:
            raise ValueError(
                f"{str(path)!r} has no training state: save it with training_state=True, as Checkpoint does"
            )
        if [(b["name"], b["shape"]) for b in saved._block_table] != [
            (b["name"], b["shape"]) for b in self._block_table
        ]:
            raise ValueError(f"{str(path)!r} holds another network than this one")
        self._initialize(saved.seed)
        self._mix_from(saved, 1.0)
        self.loss, self.metrics = saved.loss, saved.metrics
        self._optimizer, self._optimizer_epoch, self._epochs = saved._optimizer, saved._optimizer_epoch, saved._epochs
        self._trainer, self._pending = None, saved._pending
        return saved.history or History()


def _augment_spec(augment: Any) -> dict[str, Any] | None:
    if augment is None:
        return None
    from .data import Augment

    if isinstance(augment, Augment):
        return augment._spec()
    hint = ": a function of your own goes into an iterable of batches (X, y), given as X" if callable(augment) else ""
    raise TypeError(f"augment is {shown(augment)}; expected a cnn.data.Augment{hint}")


_CLASS_LOSSES = ("cross_entropy", "binary_cross_entropy", "hinge")
