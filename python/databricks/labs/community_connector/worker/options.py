"""``Options``: options by name, whatever the case that the name has come in."""

from __future__ import annotations

from typing import Any


class Options(dict[str, str]):
    """A dictionary that also finds what is asked for in another case: Spark lower-cases the names of options."""

    def __missing__(self, name: str) -> str:
        """Give the option whose name differs in case alone."""
        spelled = self._spelled(name)
        if spelled == name:
            raise KeyError(name)
        return self[spelled]

    def __contains__(self, name: object) -> bool:
        """Tell whether there is such an option."""
        return super().__contains__(self._spelled(name))

    def get(self, name: str, default: Any = None) -> Any:
        """Give an option, or the default."""
        return super().get(self._spelled(name), default)

    def pop(self, name: str, *default: Any) -> Any:
        """Give an option, or the default, and remove it."""
        return super().pop(self._spelled(name), *default)

    def copy(self) -> Options:
        """Give the same options, found in the same way."""
        return Options(self)

    def _spelled(self, name: Any) -> Any:
        """Give the name as it has come: exactly this one, else one that differs in case alone."""
        if super().__contains__(name) or not isinstance(name, str):
            return name
        return next((own for own in self if own.lower() == name.lower()), name)
