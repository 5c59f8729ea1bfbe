"""Who moves when: a play is a sequence of groups of players who move at once."""

from __future__ import annotations

import numbers
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from momentum_dynamics.errors import DomainError, UnknownNameError

__all__ = ["Alternating", "Groups", "Play", "Simultaneous", "play_order"]

Groups: TypeAlias = tuple[tuple[int, ...], ...]
"""The players who move at once, group after group; together they make one round."""


class Play(Protocol):
    """Any order of play."""

    def groups(self, players: int) -> Groups:
        """The groups of one round of so many players, counted from 0."""
        ...


def _is_count(value: Any) -> bool:
    return isinstance(value, numbers.Integral)


def _require_players(players: int) -> None:
    if players < 2:
        raise DomainError(
            f"An order of play needs at least two players, but there is {players}; leave the order "
            "out, or give a game such as BilinearGame(1.0)."
        )


@dataclass(frozen=True)
class Simultaneous:
    """All players move at once: each answers to where the others stood.

    Examples
    --------
    >>> Simultaneous().groups(2)
    ((0, 1),)
    """

    def groups(self, players: int) -> Groups:
        """One group of all players.

        Raises
        ------
        DomainError
            If there is one player only.
        """
        _require_players(players)
        return (tuple(range(players)),)


@dataclass(frozen=True, kw_only=True, repr=False)
class Alternating:
    """The players move in turn: each answers to where the others stand by then.

    Parameters
    ----------
    inner_steps : tuple of int
        How many steps each player makes in its turn; by default one each.
    first : int
        Who begins, counted from 0; the others follow in their order.

    Raises
    ------
    DomainError
        If a player makes no step in its turn, or `first` is no count.

    Examples
    --------
    >>> Alternating().groups(2)
    ((0,), (1,))
    >>> Alternating(inner_steps=(1, 3), first=1).groups(2)
    ((1,), (1,), (1,), (0,))
    """

    inner_steps: tuple[int, ...] = ()
    first: int = 0

    def __post_init__(self) -> None:
        given: Any = self.inner_steps
        steps = given if isinstance(given, tuple | list) else (None,)
        if not all(_is_count(count) and count > 0 for count in steps):
            raise DomainError(
                f"Alternating: inner_steps is {self.inner_steps}, but every player makes a whole "
                "number of steps in its turn, at least one; give one for each, as in (1, 5)."
            )
        if not _is_count(self.first) or self.first < 0:
            raise DomainError(
                f"Alternating: first is {self.first!r}, but must be a player: 0, 1, …."
            )
        object.__setattr__(self, "inner_steps", tuple(int(count) for count in steps))

    def __repr__(self) -> str:
        """Leave out what has its default value."""
        said = [f"inner_steps={self.inner_steps}"] * bool(self.inner_steps)
        said += [f"first={self.first}"] * bool(self.first)
        return f"Alternating({', '.join(said)})"

    def groups(self, players: int) -> Groups:
        """One player after the other, as often as it steps in its turn.

        Raises
        ------
        DomainError
            If there is one player only, or another number of players than the order was made for.
        """
        _require_players(players)
        steps = self.inner_steps or (1,) * players
        if len(steps) != players or self.first >= players:
            raise DomainError(
                f"{self!r} does not fit a game of {players} players; give as many inner_steps as "
                f"there are players, and a first player below {players}."
            )
        order = [(self.first + turn) % players for turn in range(players)]
        return tuple((player,) for player in order for _ in range(steps[player]))


_WORDS = {"simultaneous": Simultaneous(), "alternating": Alternating()}


def play_order(play: Any) -> Any:
    """The order that a word stands for; an order itself.

    Raises
    ------
    UnknownNameError
        If no order is called so.
    DomainError
        If it is no order at all.

    Examples
    --------
    >>> play_order("simultaneous")
    Simultaneous()
    """
    if isinstance(play, str):
        if play not in _WORDS:
            raise UnknownNameError.among("order of play", play, _WORDS)
        return _WORDS[play]
    if isinstance(play, type) or not hasattr(play, "groups"):
        raise DomainError(
            f"play is {play!r}, but must be an order such as Simultaneous() or Alternating()."
        )
    return play
