"""A text that ships with Python."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import io

from momentum_dynamics.errors import MomentumDynamicsError

__all__ = ["zen"]

_DIGEST = "e250f274f33b9b621a04264025d50e5fb9b1f989f444d13bb373882e734e996f"


def zen() -> str:
    """The Zen of Python, by Tim Peters, as the module ``this`` of the standard library holds it.

    Of the prose in the standard library it is what every Python has in the same bytes; docstrings
    and the license change from one release to the next.

    Returns
    -------
    str
        856 characters.

    Raises
    ------
    MomentumDynamicsError
        If this Python's text is another one, with which results would not compare.

    Examples
    --------
    >>> zen().splitlines()[2]
    'Beautiful is better than ugly.'
    """
    with contextlib.redirect_stdout(io.StringIO()):  # it prints when it is imported
        this = importlib.import_module("this")
    text = "".join(this.d.get(letter, letter) for letter in this.s)
    if hashlib.sha256(text.encode()).hexdigest() != _DIGEST:
        raise MomentumDynamicsError(
            "The Zen of Python in this Python's module `this` is not the text of 856 characters "
            "that results were recorded on; train on another workload."
        )
    return text
