from __future__ import annotations

from tests.sandbox.node.estate import JOBS, PANDA, Estate, Object, connect

HISTORIC = ("--time-start", "2026-01-01:10:00:00", "--time-end", "2026-01-01:10:00:20")


def _nothing_left(estate: Estate, job_id: str, within_s: float = 8.0) -> None:
    def gone(objects: dict[str, Object]) -> bool:
        return not any(f"-{job_id}" in name for name in objects)

    for plural in ("services", "jobs", "pods"):
        estate.wait(plural, f"no {plural} of {job_id}", gone, within_s)


def test_an_investigation_nobody_uses_is_removed(estate: Estate) -> None:
    estate.open_investigation("1-10", 12301)
    _nothing_left(estate, "1-10")


def test_a_finished_investigation_is_removed(estate: Estate) -> None:
    estate.open_investigation("2-20", 12302, *HISTORIC)
    _nothing_left(estate, "2-20")


def test_a_failed_investigation_is_removed(estate: Estate) -> None:
    estate.set_faults("job-crashes")
    estate.open_investigation("3-30", 12303)
    _nothing_left(estate, "3-30")


def test_what_is_left_of_an_investigation_whose_job_was_deleted_is_removed(estate: Estate) -> None:
    estate.open_investigation("4-40", 12304)
    estate.running_pod("cleanup-job-4-40")
    estate.delete(f"{JOBS}/grpc-job-4-40", propagationPolicy="Background")
    _nothing_left(estate, "4-40")


def test_an_investigation_with_a_client_stays_until_the_client_leaves(estate: Estate) -> None:
    estate.open_investigation("5-50", 12305)
    estate.open_investigation("5-51", 12306)
    with connect(estate.node_address(2), 12305):
        _nothing_left(estate, "5-51")
        assert estate.find(f"{JOBS}/grpc-job-5-50") is not None
    _nothing_left(estate, "5-50")


def test_fault_idle_jobs_are_kept(estate: Estate) -> None:
    estate.set_faults("idle-jobs-are-kept")
    estate.open_investigation("6-60", 12306)
    estate.running_pod("cleanup-job-6-60")
    estate.open_investigation("6-61", 12307, *HISTORIC)
    _nothing_left(estate, "6-61")
    assert estate.find(f"{PANDA}/services/grpc-service-6-60") is not None
    estate.set_faults()
    _nothing_left(estate, "6-60")


def test_fault_finished_jobs_are_kept(estate: Estate) -> None:
    estate.set_faults("finished-jobs-are-kept")
    estate.open_investigation("7-70", 12307, *HISTORIC)
    estate.ended_pod("grpc-job-7-70", "Succeeded")
    estate.open_investigation("7-71", 12308)
    _nothing_left(estate, "7-71")
    assert estate.find(f"{PANDA}/services/grpc-service-7-70") is not None
    estate.set_faults()
    _nothing_left(estate, "7-70")
