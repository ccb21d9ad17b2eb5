"""Rules for single fields, and the API server's messages for violations."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from environments.sandbox.kubernetes.store.errors import cause

Cause = dict[str, str]

LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
SUBDOMAIN = rf"{LABEL}(\.{LABEL})*"
DNS_1035 = r"[a-z]([-a-z0-9]*[a-z0-9])?"
QUALIFIED = re.compile(r"([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")

SUBDOMAIN_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    f"end with an alphanumeric character (e.g. 'example.com', regex used for validation is '{SUBDOMAIN}')"
)
LABEL_RULE = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    f"an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '{LABEL}')"
)
DNS_1035_RULE = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, "
    "and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', "
    f"regex used for validation is '{DNS_1035}')"
)
LABEL_VALUE_RULE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
    "end with an alphanumeric character and be at most 63 characters"
)


def required(field: str, hint: str = "") -> Cause:
    return cause("FieldValueRequired", field, f"Required value: {hint}" if hint else "Required value")


def wrong(field: str, value: Any, why: str) -> Cause:
    return cause("FieldValueInvalid", field, f"Invalid value: {json.dumps(value)}: {why}")


def check_labels(at: str, labels: Any) -> Iterator[Cause]:
    for key, value in (labels or {}).items():
        if not QUALIFIED.fullmatch(key):
            yield wrong(at, key, "name part must consist of alphanumeric characters, '-', '_' or '.'")
        if not isinstance(value, str) or not LABEL_VALUE.fullmatch(value):
            yield wrong(at, value, LABEL_VALUE_RULE)


_OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist")


def check_selector(at: str, selector: Any) -> Iterator[Cause]:
    """Check a LabelSelector object: its labels, and its expressions with a key and one of four operators."""
    yield from check_labels(f"{at}.matchLabels", (selector or {}).get("matchLabels"))
    for number, each in enumerate((selector or {}).get("matchExpressions") or ()):
        path, operator = f"{at}.matchExpressions[{number}]", each.get("operator", "")
        if not QUALIFIED.fullmatch(each.get("key", "")):
            yield wrong(f"{path}.key", each.get("key", ""), "name part must consist of alphanumeric characters, "
                "'-', '_' or '.'")  # fmt: skip
        if operator not in _OPERATORS:
            yield wrong(f"{path}.operator", operator, "not a valid selector operator")
        elif (operator in ("In", "NotIn")) != bool(each.get("values")):
            why = "must be specified when `operator` is 'In' or 'NotIn'" if operator in ("In", "NotIn") else (
                "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
            )  # fmt: skip
            yield cause("FieldValueInvalid", f"{path}.values", f"Invalid value: {why}")
