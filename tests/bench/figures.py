# SPDX-License-Identifier: MIT
"""Figures of interleaved runs: medians, ratios with their ranges, and whether a target is met."""

from dataclasses import dataclass, field
from statistics import median


@dataclass
class Runs:
    """The runs of one server in one scene, a dict each, in the order of the rounds."""

    rows: list = field(default_factory=list)

    def each(self, key):
        return [row[key] for row in self.rows]

    def median(self, key):
        return median(self.each(key))

    def least(self, key):
        return min(self.each(key))

    def most(self, key):
        return max(self.each(key))


@dataclass
class Ratio:
    """A ratio of medians, and the least and the greatest of the rounds."""

    value: float
    low: float
    high: float

    def __str__(self):
        return f"{number(self.value)} ({number(self.low)} .. {number(self.high)})"


def ratio(ours, others, key, better=min, of=Runs.median):
    """Ours to the better of the others: by medians (or what `of` says), and round by round."""
    rounds = [mine / better(theirs) for mine, *theirs in zip(ours.each(key), *(other.each(key) for other in others))]
    value = of(ours, key) / better(of(other, key) for other in others)
    return Ratio(value, min(value, *rounds), max(value, *rounds))


def spread(values):
    """A plain figure of several rounds in the shape of a ratio."""
    return Ratio(median(values), min(values), max(values))


@dataclass
class Target:
    """What is wanted of a figure: at most, or at least, the limit."""

    text: str
    figure: Ratio
    limit: float
    is_at_most: bool = True

    def _meets(self, value):
        return value <= self.limit if self.is_at_most else value >= self.limit

    @property
    def verdict(self):
        """In words. Rounds on both sides of the limit mean that this machine was too noisy to tell for sure."""
        is_met = self._meets(self.figure.value)
        n_sides = len({self._meets(value) for value in (self.figure.low, self.figure.high)})
        return ("met" if is_met else "not met") + (", not in every round" if is_met and n_sides == 2 else
                                                   ", but in some rounds" if n_sides == 2 else "")

    @property
    def wanted(self):
        return f"{'at most' if self.is_at_most else 'at least'} {number(self.limit)}"


@dataclass
class Table:
    """Columns are texts; cells are texts or numbers."""

    title: str
    columns: list
    rows: list


@dataclass
class Scene:
    """What a scene found; `chart` is what the charts need of it."""

    name: str
    tables: list
    targets: list
    notes: list = field(default_factory=list)
    chart: dict = field(default_factory=dict)


def number(value):
    """A figure with as many digits as it deserves."""
    if isinstance(value, str):
        return value
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def rotated(items, by):
    """The items in another order each round, so that none is always the first."""
    by %= len(items)
    return items[by:] + items[:by]
