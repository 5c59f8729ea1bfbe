"""A method that several tests run: its coefficients settle late, and not to one setting."""

import pytest

from momentum_dynamics import HeavyBall


class LateSwinging:
    """Heavy ball of one setting first, and of two others in turn from then on."""

    period, transient = 2, 1
    stages = tuple(HeavyBall(learning_rate=0.1 + 0.1 * k, momentum=0.4 * k) for k in range(3))

    def stage(self, step):
        return self.stages[1 + (step - 1) % 2 if step else 0]

    def initial_state(self, point):
        return self.stages[0].initial_state(point)

    def query(self, state):
        return self.stages[0].query(state)

    def update(self, state, gradient):
        return self.stages[0].update(state, gradient)


@pytest.fixture
def late_swinging():
    return LateSwinging()
