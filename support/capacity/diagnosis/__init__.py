"""Why investigations failed or were slow: the table of docs/facts/capacity.md 5 as rules over evidence.

Every failed job gets exactly one primary cause, or is counted as unattributed: without evidence nothing is guessed.
Nothing here is ever measured on the test machine, but for the blame of the load generator itself.
"""

from support.capacity.diagnosis.causes import CAUSES, Cause
from support.capacity.diagnosis.diagnose import Bottleneck, Diagnosis, diagnose
from support.capacity.diagnosis.evidence import Confidence, EvidenceRow

__all__ = ["CAUSES", "Cause", "Confidence", "Diagnosis", "Bottleneck", "EvidenceRow", "diagnose"]
