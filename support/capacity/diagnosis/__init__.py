"""Causes of failed and slow investigations: the table of docs/facts/capacity.md 5 as rules over evidence.

Each failed job gets exactly one primary cause or counts as unattributed; no cause is guessed without evidence.
Nothing here is measured on the test machine, except to blame the load generator itself.
"""

from support.capacity.diagnosis.causes import CAUSES, Cause
from support.capacity.diagnosis.diagnose import Bottleneck, Diagnosis, diagnose
from support.capacity.diagnosis.evidence import Confidence, EvidenceRow

__all__ = ["CAUSES", "Cause", "Confidence", "Diagnosis", "Bottleneck", "EvidenceRow", "diagnose"]
