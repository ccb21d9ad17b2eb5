"""Faults of the catalogue: wrong data, and wrong answers at named points of a healthy server."""

from environments.sandbox.mongodb.faults.after_outage import DAMAGES
from environments.sandbox.mongodb.faults.alterations import ALTERATIONS, ANY_PASSWORD
from environments.sandbox.mongodb.faults.hiding import HIDES
from environments.sandbox.mongodb.faults.mutations import MUTATIONS

FAULT_IDS = frozenset({*ALTERATIONS, ANY_PASSWORD, *DAMAGES, *HIDES, *MUTATIONS})
"""All ids this process implements."""
