"""The words and tags that a feature may use. The documentation and the lint refer to this dictionary."""

from __future__ import annotations

import re

AREAS = {
    "IN": "infrastructure",
    "JL": "job_lifecycle",
    "PV": "prelaunch_validation",
    "CF": "configuration",
    "MD": "metadata",
    "DQ": "data_quality",
    "SB": "system_behaviour",
    "RS": "resilience",
    "PF": "latency",
    "CA": "capacity",
}
"""Area tag -> folder below features/, in reading order. The foundation of all other areas comes first; latency and
capacity, which mean something only if the rest works, come last."""

KINDS = ("smoke", "negative", "journey")
SAFETY = ("load", "disruptive", "writes_database")
ORDER = ("alone",)
"""Tags of scenarios that run while no other does: they judge times, count what every investigation changes, or use a
load that is made once in a run."""
STATES = ("wip", "backlog", "quarantine", "slow")
TICKET_PROJECT = "PZ"
"""The key of the Jira project of all tickets."""
TAG_PATTERNS = (
    re.compile(rf"(REQ|TEST)_{TICKET_PROJECT}-\d+"),
    re.compile(r"needs_[a-z][a-z0-9]*(_[a-z0-9]+)*"),
)
REQUIREMENT_TAG = re.compile(r"[A-Z]{2}-\d{2}")
"""The id of a requirement. In a tag expression it stands for all scenarios of the requirement."""
ID_TAG = re.compile(r"(?P<area>[A-Z]{2})-(?P<number>\d{2})(?P<letter>[a-z])")

TECHNICAL = (
    (re.compile(r"\bjson\b", re.I), "JSON"),
    (re.compile(r"\bhttps?\b", re.I), "HTTP"),
    (re.compile(r"(?<!stream )\burls?\b", re.I), 'a URL (only "stream URL" is a word of the domain)'),
    (re.compile(r"\b(kubectl|curl|mongosh|k9s|helm)\b", re.I), "a command"),
    (
        re.compile(r"\bmongo\b|\bdb\.\w+|\$\w+|\b(find|insert|update|delete|count)_(one|many|documents)\b", re.I),
        "a database command",
    ),
    (re.compile(r"\bpods?\b", re.I), "a pod (the domain says job)"),
    (
        re.compile(r"\b(ms|millis(econds?)?)\b|\d(ms|s)\b", re.I),
        "a unit of time (the number belongs in the environment file)",
    ),
    (
        re.compile(r"\b\d+([.,]\d+)?[ -]?(s|secs?|seconds?|minutes?)\b", re.I),
        "a time (the number belongs in the environment file)",
    ),
    (re.compile(r"\bsleeps?\b", re.I), "sleep"),
    (
        re.compile(
            r"\b(status|code|answer(s|ed)?|return(s|ed)?|respond(s|ed)?|response|refused|error|with|a|an)\s+[1-5]\d\d\b"
            r"(?!\s+\w)|\bstatus( code)?s?\s+[1-5]\d\d\b|\b[45]\d\d\s+(error|status|response|answer)",
            re.I,
        ),
        "a status code",
    ),
)
"""Pattern -> description of a technical term. A line with such a term would change when the implementation changes."""

SYNONYMS = (
    (re.compile(r"\bsessions?\b", re.I), "investigation"),
    (re.compile(r"\bstream(ing)? jobs?\b", re.I), "job"),
    (re.compile(r"\bfibers?\b", re.I), "fibre"),
)
"""Pattern -> the word of the domain to use instead."""

VERB = re.compile(
    r"\b(is|are|was|were|has|have|does|do|can|must|carry|carries|go(es)?"
    r"|(add|answer|belong|call|change|complain|count|differ|disappear|find|get|hand|hold|lack|lead|learn|name|open|outlive"
    r"|refuse|run|say|serve|stand|start|stay|tell|use|wait|work)s?)\b",
    re.I,
)
"""Verbs, of which a title must contain one because it makes a statement. Add new verbs here."""
FILLERS = frozenset({"a", "an", "the", "that", "this", "its", "it", "of", "to", "in", "is", "are"})
"""Words that are ignored when a title is compared with a step."""


def is_known_tag(tag: str) -> bool:
    """Whether a tag (without @) is in the dictionary."""
    if tag in AREAS or tag in KINDS or tag in SAFETY or tag in ORDER or tag in STATES or ID_TAG.fullmatch(tag):
        return True
    return any(pattern.fullmatch(tag) for pattern in TAG_PATTERNS)
