"""Optimizers against recurrences written out coordinate by coordinate."""

import math

import numpy as np
import pytest

from momentum_dynamics.training import AdaGrad, Adam, RMSProp, momentum, nesterov, sgd

GRADIENTS = [[1.0, -2.0], [0.5, 3.0], [-1.5, 0.25], [2.0, 0.0]]
START = [0.3, -0.7]


def adam(x, gradients, rate):
    m = v = 0.0
    for t, g in enumerate(gradients, start=1):
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        x -= rate * (m / (1 - 0.9**t)) / (math.sqrt(v / (1 - 0.999**t)) + 1e-8)
    return x


def adagrad(x, gradients, rate):
    total = 0.0
    for g in gradients:
        total += g * g
        x -= rate * g / (math.sqrt(total) + 1e-10)
    return x


def rmsprop(x, gradients, rate):
    v = 0.0
    for g in gradients:
        v = 0.99 * v + 0.01 * g * g
        x -= rate * g / (math.sqrt(v) + 1e-8)
    return x


def heavy(x, gradients, rate, kept=0.9, ahead=0.0):
    v = 0.0
    for g in gradients:
        v = kept * v + g
        x -= rate * (v if not ahead else g + ahead * v)
    return x


CASES = {
    "adam": (Adam, adam),
    "adagrad": (AdaGrad, adagrad),
    "rmsprop": (RMSProp, rmsprop),
    "sgd": (sgd, lambda x, g, rate: heavy(x, g, rate, kept=0.0)),
    "momentum": (momentum, heavy),
    "nesterov": (nesterov, lambda x, g, rate: heavy(x, g, rate, ahead=0.9)),
}


@pytest.mark.parametrize("name", CASES)
def test_steps_are_those_of_the_recurrence(name):
    make, written_out = CASES[name]
    optimizer = make(learning_rate=0.1)
    parameters = np.array(START)
    state = optimizer.init(parameters)
    for gradient in GRADIENTS:
        given = np.array(gradient)
        before, given_before = parameters.copy(), given.copy()
        state, moved, info = optimizer.update(state, given, parameters)
        assert (parameters == before).all()
        assert (given == given_before).all()
        assert info["learning_rate"] == 0.1
        parameters = moved
    expected = [
        written_out(start, column, 0.1)
        for start, column in zip(START, zip(*GRADIENTS, strict=True), strict=True)
    ]
    np.testing.assert_allclose(parameters, expected, rtol=1e-12)


@pytest.mark.parametrize("name", CASES)
def test_an_old_state_still_gives_the_same_step(name):
    optimizer = CASES[name][0](learning_rate=0.1)
    parameters, gradient = np.array(START), np.array(GRADIENTS[0])
    old, moved, _ = optimizer.update(optimizer.init(parameters), gradient, parameters)
    first = optimizer.update(old, gradient, moved)[1]
    second = optimizer.update(old, gradient, moved)[1]
    assert (first == second).all()
