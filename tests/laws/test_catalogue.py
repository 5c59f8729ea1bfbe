"""Every law, found by inspection: one text for floats, arrays, fractions, intervals, symbols."""

import inspect
import zlib
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import sympy

from momentum_dynamics.laws import catalogue
from momentum_dynamics.notation import GLOSSARY
from momentum_dynamics.scalars import expression

LAWS = catalogue()

# Where laws are tried: the usual range of each quantity, within its range in the glossary …
USUAL = {
    "learning_rate": (0.05, 1.5), "momentum": (0.05, 0.95), "curvature": (0.1, 2.0),
    "smallest_curvature": (0.1, 1.0), "largest_curvature": (1.5, 30.0),
    "condition_number": (1.5, 1e4), "noise_variance": (0.0, 4.0), "variance": (0.1, 3.0),
    "aspect_ratio": (0.05, 0.95), "workers": (1.0, 40.0), "staleness": (0, 12), "step": (1, 40),
    "steps": (0, 40), "trace": (-1.9, 1.9), "determinant": (-0.9, 0.9), "lead": (-2.0, 2.0),
    "lag": (-2.0, 2.0), "rate": (0.98, 1.2), "displacement": (0.0, 5.0), "robustness": (0.0, 1.0),
    "singular_value": (0.1, 3.0), "real_part": (-1.0, 4.0), "imaginary_part": (-2.0, 2.0),
    "signal_to_noise": (1e-3, 1e3), "root_momentum": (0.05, 0.95), "root_gap": (0.05, 0.95),
    "safeguard": (1e-9, 1e-6), "amplification": (0.0, 3.0),
    "ascent": (0.1, 3.0), "effective_learning_rate": (1.6, 4.0),
    "earlier_learning_rate": (0.05, 1.5), "curvature_variance": (0.1, 4.0), "cosine": (-1.0, 1.0),
    "frequency": (0.0, 3.1), "time": (0.1, 6.0), "tick": (0.0, 0.5), "friction": (0.1, 4.0),
    "vanishing_friction": (0.0, 5.0), "weight": (0.0, 50.0), "largest": (0, 30),
    "total_momentum": (0.05, 0.9), "eigenvalue": (0.3, 0.95), "mean": (0.0, 30.0),
    "nodes": (1, 64), "groups": (1, 16), "count": (1, 40),
    "group_time": (0.1, 9.0), "server_time": (0.1, 2.0), "communication": (0.0, 1.0),
    "floor": (0.05, 2.0),
    "age": (0.5, 30.0),
    "scaled_gap": (0.0, 3.0), "position": (-1.0, 1.0), "earlier_position": (-1.0, 1.0),
    "growth": (1.02, 1.5), "amplitude": (0.001, 0.05), "distance": (0.5, 2.0),
    "batch_size": (1, 8), "samples": (10, 60),
    "coupling": (0.05, 1.9), "other_momentum": (-0.9, 0.9), "first_player": (-2.0, 2.0),
    "second_player": (-2.0, 2.0), "pull": (0.1, 2.0), "turn": (-2.0, 2.0), "angle": (0.05, 1.5),
    "slope": (0.3, 1.0), "gradient_penalty": (0.05, 0.5), "bend": (-0.5, -0.1),
    "center": (1.5, 3.0), "real_half_axis": (0.1, 1.4), "imaginary_half_axis": (0.1, 3.0),
}  # fmt: skip

# … except where a law speaks of a part of it only.
DOMAINS = {
    # As long as the pull is below the slope.
    "gans.penalized_turn": {"pull": (0.05, 0.25)},
    "shapes.pair_slope": {"momentum": (-0.5, 0.5), "rate": (0.75, 0.95)},
    "spectrum.larger_root": {"trace": (1.9, 3.0)},
    "spectrum.switching_growth": {"determinant": (0.0, 0.9)},
    "guarantees.safe_momentum": {"learning_rate": (0.005, 0.03)},
    # Where the spectrum is far from its poles.
    "noise.power_spectrum": {"momentum": (0.05, 0.5)},
    "noise.two_slot_variance": {"trace": (-0.05, 0.05)},
    # Where second moments settle.
    "staleness.queue_stationary_variance": {"learning_rate": (0.01, 0.05), "workers": (1.0, 10.0)},
    "staleness.independent_stationary_variance": {
        "learning_rate": (0.01, 0.05),
        "workers": (1.0, 10.0),
    },
    "staleness.heavy_ball_queue_stationary_variance": {
        "learning_rate": (0.01, 0.05),
        "momentum": (0.05, 0.5),
        "workers": (1.0, 10.0),
    },
    "lagged.delay_equation_variance": {"learning_rate": (0.01, 0.05), "age": (0.5, 10.0)},
    "lagged.spread_equation_variance": {"learning_rate": (0.01, 0.05), "age": (0.5, 10.0)},
    "staleness.staleness_correlation": {"steps": (1, 20)},
    "staleness.time_constant_momentum": {"total_momentum": (0.8, 0.9), "workers": (1.0, 3.0)},
    # Where the target has a mode that does not oscillate.
    **{
        f"sensors.{name}": {
            "learning_rate": (0.01, 0.05),
            "curvature": (0.1, 1.0),
            "total_momentum": (0.05, 0.5),
        }
        for name in ("target_eigenvalue", "fixed_delay_balance", "geometric_delay_balance")
    },
    # Where some mean curvature is stable.
    "minibatch.mean_square_sharpness_limit": {
        "learning_rate": (0.05, 0.1),
        "curvature_variance": (0.1, 0.5),
        "momentum": (0.05, 0.9),
    },
    "generalization.matched_ridge": {"steps": (1, 40)},
    # Where the start is inside the distance.
    "saddles.deterministic_exit_time": {"displacement": (0.01, 0.1)},
    # Each power widens an interval.
    "saddles.exit_time_survival": {"steps": (0, 20)},
    "systems.floor_learning_rate": {"noise_variance": (0.1, 4.0)},
    "systems.statistical_efficiency": {"noise_variance": (0.1, 4.0)},
    # Each step of the recursion widens an interval.
    "noise.autocorrelation": {"steps": (0, 4)},
    "transients.balanced_residual": {"steps": (0, 4)},
    "transients.rest_residual": {"steps": (0, 4)},
}

# Laws that lose digits where they are tried, each with its reason.
ROUNDING = {
    # It subtracts equal numbers on the robust region and takes the root: half the digits remain.
    "spectrum.elliptic_spectral_radius": 1e-7,
}

PREDICATES = {name for name in LAWS if name.split(".")[1].startswith("is_")}

# Laws without an interval reading, each with its reason.
NO_INTERVALS = {
    **dict.fromkeys(PREDICATES, "intervals that overlap are neither smaller nor larger"),
    "spectrum.complex_spectral_radius": "intervals have no square root of negative numbers",
    "spectrum.elliptic_spectral_radius": "intervals have no square root of negative numbers",
    "continuous.vanishing_friction_path": "mpmath's intervals have no hypergeometric functions",
    "saddles.exit_time_survival": "mpmath's intervals have no error function",
}


def draw(name, count=5):
    """Random admissible points of a law, the same in every run."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    points = []
    for _ in range(count):
        point = {}
        for quantity in inspect.signature(LAWS[name]).parameters:
            low, high = DOMAINS.get(name, {}).get(quantity, USUAL[quantity])
            if GLOSSARY[quantity].integer:
                point[quantity] = int(rng.integers(low, high + 1))
            else:
                point[quantity] = float(rng.uniform(low, high))
        points.append(point)
    return points


def parts(value):
    """The components of a named tuple, or the value alone."""
    return tuple(value) if isinstance(value, tuple | sympy.Tuple) else (value,)


def exact(name, point):
    """The traced expression at the very numbers of a point."""
    values = {
        GLOSSARY[quantity].symbol: sympy.Rational(Fraction(value))
        for quantity, value in point.items()
    }
    return [sympy.sympify(part).subs(values) for part in parts(expression(LAWS[name]))]


def thirty_digits(name, point):
    """The traced expression at a point, to 30 digits; a condition's truth."""
    truths = (sympy.true, sympy.false)
    return [bool(part) if part in truths else part.evalf(30) for part in exact(name, point)]


every_law = pytest.mark.parametrize("name", sorted(LAWS))


def test_inspection_finds_laws_of_every_module():
    modules = {name.split(".")[0] for name in LAWS}
    assert {"noise", "optima", "regions", "spectrum", "schedules", "staleness"} <= modules
    assert len(LAWS) > 40


def test_exceptions_name_laws():
    assert set(NO_INTERVALS) | set(DOMAINS) | set(ROUNDING) <= set(LAWS)


@every_law
def test_parameters_are_in_the_glossary_with_symbols_of_their_own(name):
    names = list(inspect.signature(LAWS[name]).parameters)
    assert set(names) <= set(GLOSSARY)
    assert len({str(GLOSSARY[quantity].symbol) for quantity in names}) == len(names)


@every_law
def test_is_documented(name):
    assert inspect.getdoc(LAWS[name]).split("\n")[0].endswith(".")


@every_law
def test_traces_without_a_float(name):
    traced = expression(LAWS[name])
    assert isinstance(traced, sympy.Basic)
    assert not traced.atoms(sympy.Float)
    known = {GLOSSARY[quantity].symbol for quantity in inspect.signature(LAWS[name]).parameters}
    assert traced.free_symbols <= known


@every_law
def test_agrees_with_its_expression_at_thirty_digits(name):
    for point in draw(name):
        answers = parts(LAWS[name](**point))
        for found, truth in zip(answers, thirty_digits(name, point), strict=True):
            if name in PREDICATES:
                assert bool(found) is truth
            else:
                loss = ROUNDING.get(name, 1e-12) * max(1, abs(truth))
                assert abs(found - truth) <= loss, point


@every_law
def test_of_floats_is_finite_and_real_inside_the_domain(name):
    for point in draw(name):
        assert np.isfinite(np.asarray(parts(LAWS[name](**point)), dtype=float)).all()


@every_law
def test_broadcasts(name):
    first, second = draw(name, 2)
    names = list(first)
    axes = np.eye(len(names), dtype=int) + 1
    arrays = {
        quantity: np.array([first[quantity], second[quantity]]).reshape(shape)
        for quantity, shape in zip(names, axes, strict=True)
    }
    found = [np.broadcast_to(part, [2] * len(names)) for part in parts(LAWS[name](**arrays))]
    for index in np.ndindex(*found[0].shape):
        point = {q: (first, second)[i][q] for q, i in zip(names, index, strict=True)}
        with np.errstate(invalid="ignore"):
            alone = parts(LAWS[name](**point))
        for whole, single in zip(found, alone, strict=True):
            assert whole[index] == pytest.approx(single, rel=1e-12, abs=1e-14)


def has_irrational_number(part):
    return part.has(sympy.pi) or any(
        power.is_number and power.is_irrational for power in part.atoms(sympy.Pow)
    )


def is_rational(name):
    """Whether a law is a quotient of polynomials with fixed exponents, or a condition on such."""
    traced = expression(LAWS[name])
    if name in PREDICATES:
        sides = [side for relation in traced.atoms(sympy.core.relational.Relational)
                 for side in relation.args]  # fmt: skip
        return all(side.is_rational_function() for side in sides)
    return all(
        sympy.sympify(part).is_rational_function()
        and not has_irrational_number(sympy.sympify(part))
        for part in parts(traced)
    )


@pytest.mark.parametrize("name", sorted(filter(is_rational, LAWS)))
def test_is_exact_on_fractions(name):
    for point in draw(name):
        fractions = {
            quantity: Fraction(value).limit_denominator(97) for quantity, value in point.items()
        }
        answers = parts(LAWS[name](**fractions))
        for found, truth in zip(answers, exact(name, fractions), strict=True):
            assert isinstance(found, Fraction | int)
            assert sympy.sympify(found) == truth


def test_many_laws_are_rational():
    assert sum(map(is_rational, LAWS)) > 20


def boxed(point):
    """A box of relative half width 1e-6 around a point; integers stay points."""
    widths = {q: 0 if GLOSSARY[q].integer else 1e-6 * abs(point[q]) for q in point}
    return {q: mpmath.iv.mpf([value - widths[q], value + widths[q]]) for q, value in point.items()}


@pytest.mark.parametrize("name", sorted(set(LAWS) - set(NO_INTERVALS)))
def test_encloses_its_value_in_an_interval(name):
    for point in draw(name):
        boxes = parts(LAWS[name](**boxed(point)))
        for box, truth in zip(boxes, thirty_digits(name, point), strict=True):
            interval = mpmath.iv.convert(box)
            low, high = (sympy.Float(end, 30) for end in (interval.a, interval.b))
            assert low <= truth <= high
            assert high - low <= 0.05 * max(1, abs(truth)), "the enclosure says nothing"


@pytest.mark.parametrize("name", sorted(NO_INTERVALS))
def test_laws_without_intervals_have_none(name):
    """Once one of these can be read as intervals, it leaves the list of exceptions."""
    answers = []
    for point in draw(name):
        try:
            answers.append(LAWS[name](**boxed(point)))
        except Exception:  # noqa: BLE001 - whatever mpmath says
            answers.append(None)
    interval = mpmath.ctx_iv.ivmpf
    assert not all(isinstance(answer, interval) for answer in answers)
