"""The glossary of the words in the features: the vocabulary that the lint requires, explained to readers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Term:
    """A word of the domain. `never` lists synonyms that the lint rejects."""

    word: str
    meaning: str
    never: tuple[str, ...] = ()


PRODUCT = (
    Term("Investigation", "What a client opens to look at the fibre, now or at some time in the past.", ("session",)),
    Term("Live", "An investigation without times: it shows what the fibre senses now."),
    Term("Historic", "An investigation with a start and an end: it shows what was recorded between them."),
    Term("Job", "What Kubernetes runs to serve one investigation.", ("stream job", "streaming job")),
    Term("Job id", "The name of a job: the number of its slot and a serial number, such as 3-17."),
    Term("Slot", "One of the places for jobs; a slot has its own port."),
    Term("Stream URL", "The address at which a client finds the data of its investigation."),
    Term("Stream port", "The port that belongs to the stream URL."),
    Term(
        "Fibre",
        "The sensing cable. While none is connected, the server waits for it and opens nothing live.",
        ("fiber",),
    ),
    Term("Recording", "A piece of time for which data was stored, with an entry in the index."),
    Term("Stale recording", "A recording that began more than a day ago and was never finished."),
    Term("Unrecognised recording", "A folder of data from which no recording could be made."),
    Term("Base path", "The folder of the storage under which the recordings of a site lie."),
)
CHECKS = (
    Term("Environment", "A system that is checked, described by one file: where it is, what it has, what is allowed."),
    Term("Capability", "Something that an environment says it has, such as a GPU. What needs more is not run there."),
    Term(
        "Known issue",
        "A defect of one environment that has a ticket and an end date. Until then its failure is shown, and does not "
        "make the run fail.",
    ),
    Term("Gap report", "What is missing on an environment to hold the jobs that are required, with reasons and sums."),
    Term("Fault", "A way in which a server is broken on purpose, to see that the checks notice it."),
    Term("Flaky", "Of a check: it does not always end the same way, although nothing has changed."),
    Term("Rule", "One requirement as a sentence. Its verdict is that of its examples."),
    Term("Example", "One case of a rule: Given what is so, When one thing happens, Then what anybody can see."),
    Term("Refusal", "A request answered with a no and the reason. Nothing may have been started by it."),
)
TAGS = {
    "smoke": "Among the first to look at: if it fails, little else can work.",
    "negative": "Something is asked for that must be refused.",
    "journey": "Several steps of a whole story.",
    "load": "Opens many investigations; runs only where the environment permits it.",
    "disruptive": "Takes something away for a while; runs only where the environment permits it.",
    "writes_database": "Writes to the database; runs only where the environment permits it.",
    "alone": "Judges times, or uses a load that others use as well; runs when no other scenario runs beside it.",
    "wip": "Being written; not part of a run.",
    "backlog": "Agreed, but not built yet; not counted as covered.",
    "quarantine": "Not to be trusted at the moment; not part of a run.",
    "slow": "Takes long.",
}
"""Meaning of each tag for kinds, permissions, order and states, without @."""
