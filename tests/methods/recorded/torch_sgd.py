"""Records paths of torch.optim.SGD: `python torch_sgd.py > torch_sgd.json`, with torch installed.

The loss is (w − c)ᵀH(w − c)/2 in three coordinates, with a cosine added so that the gradient is not
linear; float64 on the CPU, no closure, no weight decay. Each case lists what SGD was given, a
learning rate for every step where it changes, the points after each step and, once, the library's
version.
"""

import json
import sys

import torch

H = torch.tensor([[2.0, 0.5, 0.0], [0.5, 1.0, -0.3], [0.0, -0.3, 0.4]], dtype=torch.float64)
CENTRE = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64)
STEPS = 12
CHANGING = [0.2] * 4 + [0.02] * 4 + [0.1] * 4
CASES = [
    {"lr": 0.1, "momentum": 0.0, "dampening": 0.0, "nesterov": False},
    {"lr": 0.1, "momentum": 0.9, "dampening": 0.0, "nesterov": False},
    {"lr": 0.1, "momentum": 0.9, "dampening": 0.9, "nesterov": False},
    {"lr": 0.3, "momentum": 0.5, "dampening": 0.25, "nesterov": False},
    {"lr": 0.1, "momentum": 0.9, "dampening": 0.0, "nesterov": True},
    {"lr": 0.3, "momentum": 0.5, "dampening": 0.0, "nesterov": True},
    {
        "lr": CHANGING,
        "momentum": 0.9,
        "dampening": 0.0,
        "nesterov": False,
    },
    {
        "lr": CHANGING,
        "momentum": 0.9,
        "dampening": 0.5,
        "nesterov": False,
    },
    {"lr": CHANGING, "momentum": 0.9, "dampening": 0.0, "nesterov": True},
]


def loss(w):
    """A bowl with ripples."""
    return (w - CENTRE) @ H @ (w - CENTRE) / 2 + torch.cos(w).sum()


def path(case):
    """The points of one run, the start first."""
    w = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    rates = case["lr"] if isinstance(case["lr"], list) else [case["lr"]] * STEPS
    options = {key: value for key, value in case.items() if key != "lr"}
    optimizer = torch.optim.SGD([w], lr=rates[0], **options)
    points = [w.tolist()]
    for rate in rates:
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.zero_grad()
        loss(w).backward()
        optimizer.step()
        points.append(w.tolist())
    return points


if __name__ == "__main__":
    cases = [{**case, "points": path(case)} for case in CASES]
    json.dump({"torch": torch.__version__, "cases": cases}, sys.stdout, indent=1)
    print()
