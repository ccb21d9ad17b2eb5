"""What an environment may be used for, enforced by the clients themselves."""

from __future__ import annotations

from dataclasses import dataclass


class SafetyError(Exception):
    """A dangerous call that the environment does not permit. Nothing was sent."""


@dataclass(frozen=True)
class SafetyPolicy:
    """The permissions of one environment; everything not permitted is refused."""

    environment_name: str
    load: bool = False
    disruptive: bool = False
    writes_database: bool = False

    def require(self, permission: str, action: str) -> None:
        """Refuse ``action`` unless ``permission`` was given. Raises :class:`SafetyError`."""
        granted = {"load": self.load, "disruptive": self.disruptive, "writes_database": self.writes_database}
        if permission not in granted:
            raise ValueError(f"unknown permission {permission!r}; known are {', '.join(granted)}")
        if not granted[permission]:
            raise SafetyError(
                f"environment {self.environment_name!r} does not permit to {action}: safety.{permission} is not true"
            )
