"""Faults of the catalogue: wrong data, and wrong answers at named points of a healthy server."""

from environments.sandbox.mongodb.faults.alterations import ALTERATIONS, ANY_PASSWORD
from environments.sandbox.mongodb.faults.mutations import DAMAGES, HIDES, MUTATIONS

FAULT_IDS = frozenset({*ALTERATIONS, ANY_PASSWORD, *DAMAGES, *HIDES, *MUTATIONS})
"""All ids this process implements."""
