"""Rules between the keys of an environment, in addition to the checks of each key."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from support.config.errors import KeyPath
from support.config.limits import HEAT_MAP_VIEW
from support.config.models import WITHOUT_LOAD
from support.config.sections import Sections

ERROR_TYPE = "environment_rules"
Broken = tuple[KeyPath, str]
_SECTION_OF = {
    "kubernetes": "kubernetes",
    "gpu": "kubernetes",
    "metrics": "kubernetes",
    "network_policies": "kubernetes",
    "idle_cleanup": "kubernetes",
    "exclusive_cluster": "kubernetes",
    "mongodb": "mongodb",
    "ssh": "ssh",
    "rabbitmq": "rabbitmq",
    "fibre_control": "control",
    "link_control": "control",
}


def broken_by(environment: Sections, has_endpoints: bool) -> list[Broken]:
    """Return each rule that ``environment`` breaks: the key, and a sentence that says what is allowed.

    Without ``has_endpoints``, rules about endpoints are skipped: the run file that provides them was not given yet.
    """
    rules = [rule for rule in _RULES if has_endpoints or rule not in _OF_ENDPOINTS]
    return [broken for rule in rules for broken in rule(environment)]


def _production_is_safe(environment: Sections) -> Iterator[Broken]:
    if environment.kind == "production":
        because = "because identity.kind is production"
        for name, allowed in environment.safety:
            if allowed is True:
                yield ("safety", name), f"true is not allowed; allowed: false, {because}"
        for name, most in WITHOUT_LOAD.items():
            if name in environment.safety.model_fields_set and (number := getattr(environment.safety, name)) > most:
                yield ("safety", name), f"{number} is not allowed; allowed: 1 to {most}, {because}"


def _only_a_sandbox(environment: Sections) -> Iterator[Broken]:
    if environment.kind == "sandbox":
        return
    because = f"because identity.kind is {environment.kind}"
    if environment.endpoints == "run_file":
        yield ("endpoints",), f"run_file is not allowed; allowed: given, {because}"
    if environment.control_section is not None:
        yield ("control",), f"is not allowed, {because}"
    if environment.sandbox.settings:
        yield ("sandbox", "settings"), f"are not allowed, {because}"
    if environment.sandbox.copies:
        yield ("sandbox", "copies"), f"{environment.sandbox.copies} is not allowed; allowed: 0, {because}"
    if environment.sandbox.at_real_time is not None:
        yield ("sandbox", "at_real_time"), f"is not allowed, {because}"


def _time_is_real(environment: Sections) -> Iterator[Broken]:
    scale = environment.limits.time_scale
    if environment.kind in ("staging", "production") and scale != 1:
        yield (
            ("limits", "time_scale"),
            f"{scale} is not allowed; allowed: 1.0, because identity.kind is {environment.kind}",
        )
    setting = environment.sandbox.settings.get("time_scale", scale)
    if environment.kind == "sandbox" and setting != scale:
        yield (
            ("sandbox", "settings", "time_scale"),
            f"{setting} is not allowed; allowed: {scale}, the same as limits.time_scale",
        )


def _capabilities_have_sections(environment: Sections) -> Iterator[Broken]:
    if environment.focus_server_section is None:
        yield ("focus_server",), "missing; every environment has one"
    present = {
        "kubernetes": environment.kubernetes_section,
        "mongodb": environment.mongodb_section,
        "ssh": environment.ssh_section,
        "rabbitmq": environment.rabbitmq,
        "control": environment.control_section,
    }
    for section, value in present.items():
        needing = sorted(name for name in environment.capabilities if _SECTION_OF.get(name) == section)
        if value is None and needing:
            yield (section,), f"missing; the environment declares {', '.join(needing)}, which needs it"


def _heat_maps_have_their_view(environment: Sections) -> Iterator[Broken]:
    if "heat_maps" in environment.capabilities and environment.limits.highest_view < HEAT_MAP_VIEW:
        yield ("capabilities",), f"heat_maps is not allowed; it is declared by limits.highest_view of {HEAT_MAP_VIEW}"


def _exclusive_is_said_twice_alike(environment: Sections) -> Iterator[Broken]:
    if environment.exclusive != ("exclusive_cluster" in environment.capabilities):
        other = str(not environment.exclusive).lower()
        yield (
            ("identity", "exclusive"),
            f"must be true exactly when capabilities has exclusive_cluster; allowed here: {other}",
        )


def _cluster_can_be_reached(environment: Sections) -> Iterator[Broken]:
    cluster = environment.kubernetes_section
    if cluster is None:
        return
    if cluster.kubeconfig is None and (cluster.api_server is None or cluster.token is None):
        yield ("kubernetes", "kubeconfig"), "missing; allowed: a kubeconfig, or api_server with token"
    if cluster.kubeconfig is not None and cluster.token is not None:
        yield ("kubernetes", "token"), "is not allowed beside kubeconfig; allowed: one of them"


def _a_tunnel_has_its_host(environment: Sections) -> Iterator[Broken]:
    cluster = environment.kubernetes_section
    if cluster is not None and cluster.access == "ssh_tunnel" and environment.ssh_section is None:
        yield ("kubernetes", "access"), "ssh_tunnel is not allowed without an ssh section"


def _trust_is_said_once(environment: Sections) -> Iterator[Broken]:
    """Reject a pinned certificate beside an authority, without verification, or for plain HTTP, which has none.

    A server name to verify is rejected without verification, too.
    """
    server, cluster = environment.focus_server_section, environment.kubernetes_section
    addresses = {
        "focus_server": (server, server.base_url if server else None),
        "kubernetes": (cluster, cluster.api_server if cluster else None),
    }
    for name, (section, address) in addresses.items():
        if section is None or section.tls_fingerprint is None:
            continue
        if not section.verify_tls:
            yield (name, "tls_fingerprint"), "is not allowed beside verify_tls: false; allowed: one of them"
        if section.ca_file is not None:
            yield (name, "tls_fingerprint"), "is not allowed beside ca_file; allowed: one of them"
        if address is not None and not address.startswith("https:"):
            yield (name, "tls_fingerprint"), "is not allowed for an http address; allowed: only with https"
    if cluster is not None and cluster.tls_server_name is not None and not cluster.verify_tls:
        yield ("kubernetes", "tls_server_name"), "is not allowed beside verify_tls: false, which checks no name"


def _one_way_to_log_in(environment: Sections) -> Iterator[Broken]:
    if environment.ssh_section is None:
        return
    for name, host in (("jump", environment.ssh_section.jump), ("target", environment.ssh_section.target)):
        if host is None:
            continue
        ways = [way for way in ("password", "password_file", "key_file") if getattr(host, way) is not None]
        if len(ways) > 1:
            yield ("ssh", name), f"has {' and '.join(ways)}; allowed: at most one way to log in"


def _steps_grow_to_the_target(environment: Sections) -> Iterator[Broken]:
    steps, target = environment.capacity.steps, environment.capacity.target_jobs
    if list(steps) != sorted(set(steps)) or not steps or steps[-1] != target:
        yield (
            ("capacity", "steps"),
            f"{list(steps)} is not allowed; allowed: growing numbers that end with target_jobs {target}",
        )


def _ports_are_in_order(environment: Sections) -> Iterator[Broken]:
    first, last = environment.capacity.first_stream_port, environment.capacity.last_stream_port
    if first > last:
        yield (
            ("capacity", "first_stream_port"),
            f"{first} is not allowed; allowed: at most {last}, capacity.last_stream_port",
        )


def _a_scenario_is_known_once(environment: Sections) -> Iterator[Broken]:
    """Reject a known issue with the same scenario and reason as another."""
    entries = Counter((issue.scenario, issue.reason) for issue in environment.known_issues)
    for (scenario, reason), times in entries.items():
        if times > 1:
            yield ("known_issues",), f"{scenario} is listed {times} times for {reason!r}; allowed: once"


_RULES: tuple[Callable[[Sections], Iterator[Broken]], ...] = (
    _production_is_safe,
    _only_a_sandbox,
    _time_is_real,
    _capabilities_have_sections,
    _heat_maps_have_their_view,
    _exclusive_is_said_twice_alike,
    _cluster_can_be_reached,
    _a_tunnel_has_its_host,
    _trust_is_said_once,
    _one_way_to_log_in,
    _steps_grow_to_the_target,
    _ports_are_in_order,
    _a_scenario_is_known_once,
)
_OF_ENDPOINTS = frozenset({_capabilities_have_sections, _a_tunnel_has_its_host})
