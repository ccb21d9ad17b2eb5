"""The sandbox's broker with the suite's own client and with pika: the objects of a site, its faults, and its end."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Iterator
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import ClientResponseError, web
from aiohttp.test_utils import TestServer
from hamcrest import all_of, contains_string, empty, has_length, is_not
from pydantic import SecretStr

from environments.sandbox.focus_server.queues import JobQueues
from environments.sandbox.rabbitmq.definitions import definitions, hashed
from environments.sandbox.rabbitmq.door import Door
from environments.sandbox.rabbitmq.home import lay_out
from environments.sandbox.rabbitmq.installed import is_installed
from environments.sandbox.rabbitmq.process import RabbitMQProcess
from environments.sandbox.shared.errors import StartError
from environments.sandbox.supervisor.plan import broker_access
from support import waits
from support.checks import broker
from support.clients.amqp import client
from support.clients.amqp.client import BrokerClient, BrokerError
from support.clients.journal import Journal
from tests.sandbox.process_runner import RunningProcess, base_config, start_process

needs_broker = pytest.mark.skipif(not is_installed(), reason="rabbitmq-server is not installed on this machine")
UP_WITHIN_S = 120.0
LOG = logging.getLogger("test")


@dataclass(frozen=True)
class BrokerAt:
    host: str
    port: int = 5672
    management_port: int = 15672
    user: str = "prisma"
    password: SecretStr = SecretStr("br0ker-w0rd")
    vhost: str = "/"


@dataclass
class Site:
    process: RunningProcess
    client: BrokerClient
    folder: Path


def started(folder: Path, *faults: str) -> Site:
    """A process with its own loopback block."""
    (folder / "logs").mkdir()
    config = base_config(folder)
    at = BrokerAt(f"{config['network']}.0.2")
    access = broker_access(f"{config['network']}.0.2", at.password.get_secret_value())
    process = start_process("rabbitmq", {**config, **access, "faults": list(faults)})
    return Site(process, BrokerClient(at, Journal([])), folder)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = started(tmp_path_factory.mktemp("broker"))
    try:
        until_up(site.client)
        yield site
    finally:
        site.process.stop()


def until_up(one: BrokerClient) -> None:
    waits.until(
        one.log_in,
        broker.answers(),
        within_s=UP_WITHIN_S,
        what="the broker to start",
        changes=waits.PollEvery(0.2),
    )


def erlang_machines(folder: Path) -> list[int]:
    """The process ids of the brokers that store below ``folder``."""
    found = []
    for process in Path("/proc").iterdir():
        try:
            command = (process / "cmdline").read_bytes().decode(errors="replace") if process.name.isdigit() else ""
        except OSError:
            continue
        if "beam" in command and str(folder) in command:
            found.append(int(process.name))
    return found


@needs_broker
def test_the_product_finds_what_it_was_promised(site: Site) -> None:
    assert site.client.log_in().kind == "ok"
    assert site.client.has_exchange("prisma") and not site.client.has_exchange("another")
    assert site.client.log_in("wrong").kind == "authentication_failed"


@needs_broker
def test_queues_are_those_of_the_investigation_and_go_with_a_reset(site: Site) -> None:
    import pika

    settings = site.client._settings
    login = pika.PlainCredentials(settings.user, settings.password.get_secret_value())
    connection = pika.BlockingConnection(pika.ConnectionParameters(settings.host, settings.port, "/", login))
    for name in ("grpc-job-1-16-1764438737.15", "focus_baby.1-16", "grpc-job-1-160-1764438737.15"):
        connection.channel().queue_declare(name)
    connection.close()
    assert sorted(site.client.queues_of("1-16")) == ["focus_baby.1-16", "grpc-job-1-16-1764438737.15"]
    assert site.client.queues_of("1-1") == []
    site.process.request("reset")
    assert site.client.queues() == []


@needs_broker
def test_each_fault_is_there_and_gone_again(site: Site) -> None:
    site.process.set_faults("broker-password-changed")
    assert site.client.log_in().kind == "authentication_failed"
    assert site.client.log_in(site.client.wrong_password).kind == "ok"
    site.process.set_faults("broker-exchange-missing")
    assert site.client.log_in().kind == "ok" and not site.client.has_exchange("prisma")
    site.process.set_faults()
    assert site.client.has_exchange("prisma")


@needs_broker
def test_it_starts_when_somebody_comes_and_beside_others(site: Site, tmp_path: Path) -> None:
    """Sandboxes need separate distribution ports, because RabbitMQ checks its port on all addresses.

    A fault switched on before the start shows from the first moment, and only the queues still wanted by then are
    created.
    """
    other = started(tmp_path, "broker-password-changed", "broker-exchange-missing")
    with ExitStack() as closing:
        closing.callback(other.process.stop)
        queues = JobQueues({**other.process.config, "port": other.process.config["server_port"]}, tmp_path / "q", LOG)
        queues.start([])
        closing.callback(queues.stop)
        for job_id in ("1-1", "2-2", "3-3"):
            queues.opened(job_id)
        queues.gone("1-1")
        assert other.process.request("state")["started"] is False and erlang_machines(tmp_path) == []
        other.process.request("reset")
        until_up(other.client)
        assert other.client.log_in().kind == "authentication_failed"
        assert site.client.log_in().kind == "ok" and erlang_machines(site.folder)
        other.process.set_faults("broker-exchange-missing")
        assert not other.client.has_exchange("prisma")
        waits.until(other.client.queues, has_length(4), within_s=UP_WITHIN_S, what="the queues of two open jobs")
        queues.gone("2-2")
        waits.until(other.client.queues, has_length(2), within_s=UP_WITHIN_S, what="the queues of one open job")
        assert len(other.client.queues_of("3-3")) == 2
    assert erlang_machines(tmp_path) == []


@needs_broker
def test_a_word_starts_it_and_what_a_start_leaves_that_was_ended_in_its_middle_hinders_nobody(tmp_path: Path) -> None:
    """A connection that sends nothing does not start the broker."""
    site = started(tmp_path)
    stored = Path(site.process.config["run_dir"]) / "rabbitmq" / "data"
    with ExitStack() as closing:
        closing.callback(lambda: site.process.stop())
        for _ in range(3):
            socket.create_connection((site.process.config["host"], site.process.config["port"]), 5.0).close()
        assert site.process.request("state")["started"] is False and erlang_machines(tmp_path) == []
        site.client.greet()
        waits.until(lambda: [*stored.glob("*/*")], is_not(empty()), within_s=UP_WITHIN_S, what="the first files")
        site.process.stop()
        (stored / "rabbit@localhost" / "schema.DAT").write_bytes(b"half a table")
        site.process = start_process("rabbitmq", site.process.config)
        until_up(site.client)
        assert site.client.has_exchange("prisma")


@pytest.mark.parametrize("status", [404, 500])
def test_a_queue_that_went_while_it_was_to_be_deleted(status: int, tmp_path: Path) -> None:
    """Regression: the Focus Server deleted a queue after the reset had listed it, and the broker process ended with an
    error."""

    async def reset() -> None:
        application = web.Application()
        application.router.add_get("/api/queues/{vhost}", names)
        application.router.add_delete("/api/queues/{vhost}/{name}", answered)
        async with TestServer(application) as management:
            config = {**base_config(tmp_path), **broker_access("127.0.0.1", "br0ker-w0rd")}
            process = RabbitMQProcess({**config, "management_port": management.port})
            process._running = asyncio.create_task(asyncio.Event().wait())
            await process.reset()

    async def names(request: web.Request) -> web.Response:
        return web.json_response([{"name": "gone"}, {"name": "there"}])

    async def answered(request: web.Request) -> web.Response:
        deleted.append(request.match_info["name"])
        return web.Response(status=status if deleted == ["gone"] else 204)

    deleted: list[str] = []
    with nullcontext() if status == 404 else pytest.raises(ClientResponseError, match="500"):
        asyncio.run(reset())
    assert deleted == (["gone", "there"] if status == 404 else ["gone"])


def test_a_port_that_stays_taken_is_named() -> None:
    async def opened(port: int) -> None:
        await Door("127.0.0.1", port, nobody).open(within_s=0.1)

    async def nobody() -> None:
        raise AssertionError("nobody comes")

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(StartError, match=rf":{port} was not free within 0\.1 s: .*address already in use"):
            asyncio.run(opened(port))


@needs_broker
def test_a_broker_that_cannot_start_says_why(tmp_path: Path) -> None:
    site = started(tmp_path)
    with socket.socket() as taken, ExitStack() as closing:
        closing.callback(site.process.stop)
        taken.bind(("127.0.0.1", site.process.config["distribution_port"]))
        taken.listen()
        site.client.log_in()
        waits.until(
            lambda: site.process.log_file.read_text(encoding="utf-8"),
            all_of(contains_string("dist_port_already_used"), contains_string("exit status 1")),
            within_s=UP_WITHIN_S,
            what="the reason in the log of the process",
        )
    assert erlang_machines(tmp_path) == []


@needs_broker
def test_nothing_runs_on_when_it_is_stopped(site: Site) -> None:
    """The last test of this module, since it stops the broker."""
    assert erlang_machines(site.folder)
    site.process.stop()
    assert erlang_machines(site.folder) == []
    assert site.client.log_in().kind == "unreachable"
    with pytest.raises(BrokerError, match="does not tell its queues"):
        site.client.queues()


def test_a_home_has_the_plugins_that_are_needed_and_no_others(tmp_path: Path) -> None:
    installed, home = tmp_path / "installed", tmp_path / "home"
    for plugin, needs in {
        "rabbit-3.10.8": "kernel,\n  ra", "ra-2.2.0": "seshat", "seshat-0.3.2": "kernel", "other-3.10.8": "rabbit",
        "rabbitmq_management-3.10.8": "rabbit, 'amqp_client'", "amqp_client-3.10.8": "rabbit",
    }.items():  # fmt: skip
        folder = installed / "plugins" / plugin / "ebin"
        folder.mkdir(parents=True)
        (folder / f"{plugin.partition('-')[0]}.app").write_text(f"{{application, x, [{{applications, [{needs}]}}]}}.")
    (installed / "plugins" / "README").touch()
    for _ in range(2):  # a broker that has crashed starts in the same folder
        lay_out(home, installed)
    names = ["amqp_client-3.10.8", "ra-2.2.0", "rabbit-3.10.8", "rabbitmq_management-3.10.8", "seshat-0.3.2"]
    assert sorted(one.name for one in (home / "plugins").iterdir()) == names
    assert sorted(one.name for one in home.iterdir()) == ["escript", "plugins", "sbin"]


def test_a_password_is_never_written_as_it_is() -> None:
    config = {"user": "u", "password": "s3cret-word", "vhost": "/", "exchange": "prisma"}
    assert "s3cret-word" not in str(definitions(config))
    assert hashed("a") != hashed("a"), "without salt"


def test_nobody_there_is_unreachable() -> None:
    client = BrokerClient(BrokerAt("127.0.0.1", port=9), Journal([]))
    outcome = client.log_in()
    assert outcome.kind == "unreachable" and "Connection refused" in outcome.message


def test_a_broker_that_never_says_a_word_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "_LOGIN_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        outcome = BrokerClient(BrokerAt("127.0.0.1", port=silent.getsockname()[1]), Journal([])).log_in()
    assert outcome.kind == "unreachable" and "Timeout during AMQP handshake" in outcome.message
