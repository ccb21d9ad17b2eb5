"""Prints the comparison of a profile with a run as a table."""

from __future__ import annotations

from textwrap import shorten

from tools.fault_matrix.profile import Comparison, Profile

_REASON_LENGTH = 240


def print_comparison(profile: Profile, comparison: Comparison) -> None:
    """Print a line for each defect, then the differences, then the verdict."""
    print(f"{profile.notice}: {len(profile.defect)} documented defects")
    for defect in profile.defect:
        found = [name for name in comparison.agreed if defect in profile.defects_behind(name)]
        wanted = [*found, *(name for name in comparison.missing if defect in profile.defects_behind(name))]
        tickets = ", ".join(defect.tickets) or "no ticket"
        print(f"  {len(found):3} of {len(wanted):3} fail  {defect.confidence}  {tickets:20}  {defect.observed}")
    for name in comparison.missing:
        print(f"  {name} must fail and did not: {_behind(profile, name)}")
    for name, reason in comparison.wrong_reason.items():
        print(f"  {name} failed for another reason than {_behind(profile, name)}: {_short(reason)}")
    for name, reason in comparison.unexpected.items():
        print(f"  {name} failed although no defect says so: {_short(reason)}")
    verdict = "agrees with" if comparison.agrees else "DISAGREES with"
    print(
        f"the run {verdict} the profile: {len(comparison.agreed)} failed as documented, {len(comparison.missing)} "
        f"missing, {len(comparison.wrong_reason)} for another reason, {len(comparison.unexpected)} unexpected"
    )


def _short(reason: str) -> str:
    return shorten(reason, _REASON_LENGTH, placeholder=" ...")


def _behind(profile: Profile, name: str) -> str:
    return " ".join(defect.observed for defect in profile.defects_behind(name))
