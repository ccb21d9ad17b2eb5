"""Investigations that a client asks for, in the words of the features."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from support.config.limits import Limits
from support.model import requests
from support.model.variations import request_with
from support.model.windows import Source, times_of

_LIVE = "a live investigation"
_FORMS: Mapping[str, Callable[[str, Source, Limits], requests.Body]] = {
    "an investigation with ": lambda variation, _source, limits: request_with(variation, limits),
    "a historic investigation ": lambda window, source, _limits: requests.historic(times_of(window, source)),
    "a window ": lambda window, source, _limits: requests.historic(times_of(window, source)),
}
WANTED_WORDS = "|".join((_LIVE, *(f"{form}.+" for form in _FORMS)))
"""Regular expression of the words in which a step can say what a client asks for."""


@dataclass(frozen=True)
class Wanted:
    """An investigation as a step words it. The request is built when it is sent, because some windows depend on now."""

    words: str

    def request(self, source: Source, limits: Limits) -> requests.Body:
        """Return the request. Raises LookupError, which lists the known words, for an unknown window or variation."""
        for form, build in _FORMS.items():
            if self.words.startswith(form):
                return build(self.words.removeprefix(form), source, limits)
        return requests.live()

    def fields(self, source: Source, limits: Limits) -> Mapping[str, Any]:
        """Return a request that can open. Raises ValueError for a body without fields."""
        request = self.request(source, limits)
        if isinstance(request, bytes):
            raise ValueError(f"{self.words} is no investigation that can open")
        return request
