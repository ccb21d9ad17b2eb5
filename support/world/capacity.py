"""``context.world.capacity``: many clients at once, a full site, latency and stability."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from support.capacity.load.full_site import FullSite
from support.capacity.load.load_run import LoadRuns
from support.capacity.load.once_more import OnceMore
from support.capacity.load.recovery import Probes
from support.capacity.load.self_check import GeneratorCheck
from support.capacity.making import LoadMaker
from support.capacity.measuring import LoadMeasurements
from support.capacity.profiled import AskedLoad, ProfiledLoads
from support.capacity.report.store import Reports
from support.clients.distributed.load_client import DistributedLoadClient
from support.clients.focus_server.client import FocusServerClient
from support.clients.focus_server.load_client import LoadClient
from support.clients.journal import Journal
from support.clients.safety import Budget
from support.clients.settings import At
from support.config import Environment
from support.investigations.release import Releases
from support.investigations.service import Investigations
from support.latency.answers import Latency
from support.latency.baselines import Baselines
from support.latency.polling import Polling
from support.latency.under_load import UnderLoad
from support.model.recording_index import Search
from support.model.requests import Times
from support.stability.steady_state import Stability
from support.world.cluster import Cluster


@dataclass(frozen=True)
class CapacityRoom:
    loads: LoadMeasurements
    full_site: FullSite
    stability: Stability
    baselines: Baselines
    latency: Latency
    profiled: ProfiledLoads
    under_load: UnderLoad
    polling: Polling

    @classmethod
    def of(
        cls,
        environment: Environment,
        investigations: Investigations,
        releases: Releases,
        load_client: LoadClient,
        client: FocusServerClient,
        cluster: Cluster,
        budget: Budget,
        reports: Reports,
        history: Path | None,
        search: Callable[[], Search],
        times: Callable[[], Times],
        asked: AskedLoad | None,
    ) -> CapacityRoom:
        generator = _generator_check(environment)
        crowd = generator if asked is None else _generator_check_of_testers(environment, asked)
        loads = LoadRuns(investigations, releases, cluster.client, cluster.jobs, environment, search)
        once_more = OnceMore(environment, generator)
        probes = Probes(investigations, environment, budget)
        baselines = Baselines(history, environment.name, environment.limits.configure_p95_ms)
        latency = Latency(client, load_client, investigations, generator, once_more, baselines, environment, budget)
        return cls(
            loads=LoadMeasurements(LoadMaker(loads, probes, generator, once_more, reports, environment), environment),
            full_site=FullSite(investigations, cluster.client, cluster.jobs, environment),
            stability=Stability(investigations, releases, loads, cluster.client, environment, budget, reports),
            baselines=baselines,
            latency=latency,
            profiled=ProfiledLoads(loads, probes, crowd, reports, environment, times, asked),
            under_load=UnderLoad(loads, client, generator, once_more, latency, environment, budget),
            polling=Polling(client, budget),
        )


def _generator_check(environment: Environment) -> GeneratorCheck:
    """Return the check that measures what the load generator itself adds, against loopback with these settings."""
    server = environment.focus_server
    budget = Budget.on_loopback()
    return GeneratorCheck(
        lambda url: LoadClient(At(url, server), Journal(), budget),
        lambda url: FocusServerClient(At(url, server), Journal(), budget),
        environment.capacity.target_jobs,
        environment.limits.configure_p95_ms,
        environment.capacity.generator_share,
    )


def _generator_check_of_testers(environment: Environment, asked: AskedLoad) -> GeneratorCheck:
    """Return the same check for many testers, with as many requests at once as their profile has."""
    server, testers, budget = environment.focus_server, asked.testers, Budget.on_loopback()
    return GeneratorCheck(
        lambda url: DistributedLoadClient(At(url, server), Journal(), budget, testers),
        lambda url: FocusServerClient(At(url, server), Journal(), budget),
        asked.profile.most,
        environment.limits.configure_p95_ms,
        environment.capacity.generator_share,
        DistributedLoadClient.engine,
        testers.host,
    )
