"""kubectl's command line: one verb, its operands and its options."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from environments.sandbox.ssh.kubectl_errors import KubectlError

DEFAULT_NAMESPACE = "default"
_SHORT = {"n": "namespace", "o": "output", "l": "selector", "c": "container", "A": "all-namespaces"}
_VALUES = {
    "get": {"namespace", "output", "selector", "field-selector"},
    "logs": {"namespace", "container", "tail"},
    "delete": {"namespace", "grace-period"},
    "scale": {"namespace", "replicas"},
    "version": {"output", "namespace"},
}
_SWITCHES = {
    "get": {"no-headers", "all-namespaces", "ignore-not-found"},
    "logs": {"previous"},
    "delete": {"wait", "ignore-not-found"},
    "scale": set[str](),
    "version": {"client"},
}
VERBS = tuple(_VALUES)


@dataclass
class CommandLine:
    """A parsed command; ``options`` by long name, switches as ``true`` or ``false``."""

    verb: str
    operands: list[str] = field(default_factory=list)
    options: dict[str, str] = field(default_factory=dict)

    @property
    def namespace(self) -> str:
        return self.options.get("namespace", DEFAULT_NAMESPACE)

    def is_on(self, switch: str, otherwise: bool = False) -> bool:
        return self.options.get(switch, "true" if otherwise else "false") == "true"

    def number(self, option: str) -> int:
        """The whole number given for ``option``; :class:`KubectlError` as kubectl words it."""
        text = self.options[option]
        try:
            return int(text)
        except ValueError:
            raise KubectlError(
                f'error: invalid argument "{text}" for "--{option}" flag: strconv.ParseInt: parsing "{text}": '
                "invalid syntax"
            ) from None


def parse(words: Sequence[str]) -> CommandLine:
    """Options may stand before and after the verb; an unknown one is an error."""
    verb = _verb(words)
    if verb not in VERBS:
        raise KubectlError(f'error: unknown command "{verb}" for "kubectl": the sandbox knows {", ".join(VERBS)}')
    line = CommandLine(verb)
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if not word.startswith("-") or word == "-":
            line.operands.append(word)
            continue
        name, value = _option(word)
        if name in _VALUES[verb]:
            if value is None and not rest:
                raise KubectlError(f"error: flag needs an argument: {word}")
            line.options[name] = rest.pop(0) if value is None else value
        elif name in _SWITCHES[verb]:
            line.options[name] = "true" if value is None else value.lower()
        else:
            raise KubectlError(
                f"error: unknown flag: {word.split('=')[0]}\nThe sandbox's kubectl {verb} knows {_known(verb)}."
            )
    line.operands.remove(verb)
    return line


def _verb(words: Sequence[str]) -> str:
    skip = False
    for word in words:
        if skip or word.startswith("-"):
            skip = word in ("-n", "--namespace")
            continue
        return word
    raise KubectlError(f"error: no command given: the sandbox's kubectl knows {', '.join(VERBS)}")


def _option(word: str) -> tuple[str, str | None]:
    if word.startswith("--"):
        name, equals, value = word[2:].partition("=")
        return name, value if equals else None
    name = _SHORT.get(word[1], word[1:])
    value = word[2:].removeprefix("=")
    return name, value or None


def _known(verb: str) -> str:
    short: Mapping[str, str] = {long: letter for letter, long in _SHORT.items()}
    names = sorted(_VALUES[verb] | _SWITCHES[verb])
    return ", ".join(f"-{short[name]}/--{name}" if name in short else f"--{name}" for name in names)
