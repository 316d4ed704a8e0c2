"""What threads cost: money from the tokens on record, by a table with dates (prices.toml), computed when somebody reads it."""

import tomllib
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from bot.events import Event, Usage


class Price(BaseModel):
    """One row: US dollars per million tokens from a day on, for prompts above a length."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    since: date = date.min
    above: int = 0
    input: float
    output: float
    cache_write: float
    cache_read: float

    def of(self, usage: Usage) -> float:
        """US dollars for one call."""
        prompt = usage.input + usage.cache_write * self.cache_write + usage.cache_read * self.cache_read
        return (prompt * self.input + usage.output * self.output) / 1_000_000


def cost(events: Iterable[Event]) -> Mapping[str, float | None]:
    """US dollars by model, over all calls: those too whose choice was discarded or unusable. None: a model of unknown price."""
    spent: dict[str, float | None] = {}
    for event in events:
        usage: Usage | None = getattr(event, "usage", None)
        if usage is not None:
            before, price = spent.get(usage.model, 0.0), price_of(usage, event.at)
            spent[usage.model] = None if before is None or price is None else before + price.of(usage)
    return spent


def total(spent: Mapping[str, float | None]) -> float | None:
    """The sum; None where a part of it is unknown, or there is none."""
    known = [each for each in spent.values() if each is not None]
    return sum(known) if known and len(known) == len(spent) else None


def price_of(usage: Usage, at: float) -> Price | None:
    """The row that holds for this call at this time (seconds since 1970)."""
    day, prompt = datetime.fromtimestamp(at, UTC).date(), usage.input + usage.cache_write + usage.cache_read
    holding = [row for row in table().get(usage.model, ()) if row.since <= day and row.above < max(prompt, 1)]
    return max(holding, key=lambda row: (row.since, row.above), default=None)


@cache
def table() -> Mapping[str, tuple[Price, ...]]:
    """The rows of prices.toml, by model."""
    rows = tomllib.loads(Path(__file__).with_name("prices.toml").read_text(encoding="utf-8"))["price"]
    prices = [Price.model_validate(row) for row in rows]
    return {model: tuple(each for each in prices if each.model == model) for model in {each.model for each in prices}}
