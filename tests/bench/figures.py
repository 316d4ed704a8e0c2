"""A figure: its name, its value, and the bound that it should keep."""

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Literal


@dataclass(frozen=True)
class Figure:
    """One measured value. ``bound`` is what it should be at most (or, ``better`` being "more", at least); None: nothing is promised."""

    name: str
    value: float
    unit: str
    bound: float | None = None
    better: Literal["less", "more"] = "less"
    note: str = ""

    @property
    def kept(self) -> bool | None:
        if self.bound is None:
            return None
        return self.value <= self.bound if self.better == "less" else self.value >= self.bound

    def line(self) -> str:
        """Itself as one JSON line."""
        said = {name: value for name, value in asdict(self).items() if value not in (None, "")}
        return json.dumps(said | {"value": rounded(self.value), "kept": self.kept}, ensure_ascii=False)


def table(figures: Iterable[Figure]) -> str:
    """All figures for people, aligned; ✓ where a bound is kept, ✗ where it is not."""
    rows = [
        (_sign(each), each.name, f"{rounded(each.value):g} {each.unit}", _bound(each), each.note) for each in figures
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return "\n".join(
        "  ".join((*(text.ljust(width) for text, width in zip(row, widths, strict=False)), row[4])).rstrip()
        for row in rows
    )


def _sign(figure: Figure) -> str:
    return {None: " ", True: "✓", False: "✗"}[figure.kept]


def _bound(figure: Figure) -> str:
    return "" if figure.bound is None else f"{'≤' if figure.better == 'less' else '≥'} {figure.bound:g}"


def rounded(value: float) -> float:
    """Three digits that count; more would pretend."""
    return round(value, 2 - math.floor(math.log10(abs(value)))) if value else 0.0


def quantile(values: Sequence[float], share: float) -> float:
    """The value that this share of them does not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def median(values: Sequence[float]) -> float:
    return quantile(values, 0.5)
