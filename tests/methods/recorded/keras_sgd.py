"""Records paths of keras.optimizers.SGD: `python keras_sgd.py > keras_sgd.json`, Keras on torch.

The loss, the format and the steps are those of `torch_sgd.py`, whose gradients are used.
"""

import json
import os
import sys

os.environ["KERAS_BACKEND"] = "torch"

import keras
import torch
from torch_sgd import STEPS, loss

CASES = [
    {"lr": 0.1, "momentum": 0.0, "nesterov": False},
    {"lr": 0.1, "momentum": 0.9, "nesterov": False},
    {"lr": 0.3, "momentum": 0.5, "nesterov": True},
    {"lr": 0.1, "momentum": 0.9, "nesterov": True},
    {"lr": [0.2] * 4 + [0.02] * 4 + [0.1] * 4, "momentum": 0.9, "nesterov": False},
    {"lr": [0.2] * 4 + [0.02] * 4 + [0.1] * 4, "momentum": 0.9, "nesterov": True},
]


def path(case):
    """The points of one run, the start first."""
    w = keras.Variable(torch.zeros(3, dtype=torch.float64))
    rates = case["lr"] if isinstance(case["lr"], list) else [case["lr"]] * STEPS
    optimizer = keras.optimizers.SGD(
        learning_rate=rates[0], momentum=case["momentum"], nesterov=case["nesterov"]
    )
    points = [w.value.tolist()]
    for rate in rates:
        optimizer.learning_rate = rate
        at = w.value.detach().clone().requires_grad_()
        (gradient,) = torch.autograd.grad(loss(at), at)
        optimizer.apply([gradient], [w])
        points.append(w.value.tolist())
    return points


if __name__ == "__main__":
    keras.config.set_floatx("float64")
    cases = [{**case, "points": path(case)} for case in CASES]
    json.dump({"keras": keras.__version__, "cases": cases}, sys.stdout, indent=1)
    print()
