"""A changed copy of a frozen dataclass, as ``dataclasses.replace`` makes it, in an eighth of the time: folding a thread is little else."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import replace as replace
else:

    def replace(value: Any, /, **changes: Any) -> Any:
        """The same value but for these fields. Their names are checked by mypy, not here."""
        copy = object.__new__(type(value))
        copy.__dict__.update(value.__dict__, **changes)
        return copy
