"""The supervised process around the broker. It is ready at once; the broker starts when a client needs it."""

from __future__ import annotations

import asyncio
import os
from asyncio.subprocess import Process
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote

from environments.sandbox.rabbitmq.broker import Broker
from environments.sandbox.rabbitmq.definitions import EXCHANGE_MISSING, PASSWORD_CHANGED, exchange, password_with
from environments.sandbox.rabbitmq.door import Door
from environments.sandbox.shared.defects import end_on_defect
from environments.sandbox.shared.process import SandboxProcess

STAYS_AWAY = "broker-stays-away"
CRASHED = 1
_UP_WITHIN_S = 30.0
_PORT_FREE_WITHIN_S = 10.0
_LOOK_AGAIN_S = 0.1


class RabbitMQProcess(SandboxProcess):
    """Starts the broker on the first bytes of a client, which is answered when the broker is up: a start takes seconds
    of a processor, and most scenarios never talk to the broker. Faults and resets are applied only to a started broker.
    When the broker ends by itself, this process ends as well."""

    name = "rabbitmq"
    fault_ids = frozenset({PASSWORD_CHANGED, EXCHANGE_MISSING, STAYS_AWAY})

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__(config)
        folder = Path(config["run_dir"])
        self._broker = Broker(config, folder / "rabbitmq", folder / "logs" / "rabbitmq-server.log")
        self._door = Door(config["host"], int(config["port"]), self._at_home)
        self._running: asyncio.Task[None] | None = None
        self._was_met = folder / "rabbitmq-was-met"
        """Exists once the broker was up with the fault ``broker-stays-away``: it stays away after its next crash."""
        self._password = ""
        self._address = f"http://{config['host']}:{config['management_port']}/api"

    async def start(self) -> Mapping[str, Any]:
        await self._door.open(_PORT_FREE_WITHIN_S)
        return {"host": self.config["host"], "port": self.config["port"]}

    async def _at_home(self) -> tuple[str, int] | None:
        """Return the address of the broker, and start it if needed; None while it stays away."""
        if self._running is None:
            if STAYS_AWAY in self.faults and self._was_met.is_file():
                self.log.error("somebody came, and nobody is at home")
                return None
            self._password = password_with(self.faults, self.config)
            self._running = asyncio.create_task(self._run(self.faults))
            self._running.add_done_callback(end_on_defect)
        await self._is_up()
        self._broker.note_up()
        if STAYS_AWAY in self.faults:
            self._was_met.touch()
        return self.config["host"], int(self.config["server_port"])

    async def _is_up(self) -> None:
        """Wait until it listens on all its ports. Raises TimeoutError."""
        async with asyncio.timeout(_UP_WITHIN_S):
            while not await self._listens():
                await asyncio.sleep(_LOOK_AGAIN_S)

    async def _run(self, faults: frozenset[str]) -> None:
        """Run the broker until it ends by itself."""
        server: Process = await self._broker.start(faults)
        status = await server.wait()
        self.log.error("the broker ended by itself, exit status %s: %s", status, self._broker.last_words())
        await self._broker.kill()
        os._exit(CRASHED)

    async def stop(self) -> None:
        self._door.close()
        if self._running is not None:
            self._running.cancel()
        await self._broker.kill()

    async def reset(self) -> None:
        """Delete all queues. The Focus Server deletes those of its jobs at the same time."""
        if self._running is None:
            return
        vhost = quote(self.config["vhost"], safe="")
        for queue in await self._ask("GET", f"/queues/{vhost}?columns=name"):
            await self._ask("DELETE", f"/queues/{vhost}/{quote(queue['name'], safe='')}", may_be_gone=True)

    async def state(self) -> Mapping[str, Any]:
        return {"started": self._running is not None, "listens": await self._listens()}

    async def faults_changed(self, switched_on: frozenset[str], switched_off: frozenset[str]) -> None:
        """Apply the change to a running broker. A broker that has not started gets the faults in force at its start."""
        if STAYS_AWAY in switched_on | switched_off:
            self._was_met.unlink(missing_ok=True)
        if self._running is None:
            return
        if STAYS_AWAY in switched_on:
            self._was_met.touch()
        if PASSWORD_CHANGED in switched_on | switched_off:
            await self._set_password(password_with(self.faults, self.config))
        vhost, name = quote(self.config["vhost"], safe=""), quote(self.config["exchange"], safe="")
        if EXCHANGE_MISSING in switched_on:
            await self._ask("DELETE", f"/exchanges/{vhost}/{name}")
        if EXCHANGE_MISSING in switched_off:
            settings = {key: value for key, value in exchange(self.config).items() if key not in ("name", "vhost")}
            await self._ask("PUT", f"/exchanges/{vhost}/{name}", settings)

    async def _set_password(self, password: str) -> None:
        body = {"password": password, "tags": "administrator"}
        await self._ask("PUT", f"/users/{quote(self.config['user'])}", body)
        self._password = password

    async def _ask(self, method: str, path: str, body: Any = None, may_be_gone: bool = False) -> Any:
        """Call the management interface once it answers; None if the answer is empty, or 404 with ``may_be_gone``."""
        import aiohttp  # 0.2 s: not at the start of every sandbox

        await self._is_up()
        headers = {"Authorization": aiohttp.encode_basic_auth(self.config["user"], self._password)}
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.request(method, self._address + path, json=body) as answer,
        ):
            if may_be_gone and answer.status == HTTPStatus.NOT_FOUND:
                return None
            answer.raise_for_status()
            return await answer.json(content_type=None) if await answer.read() else None

    async def _listens(self) -> bool:
        """Whether the management interface accepts connections. It starts last, so everything else listens too."""
        try:
            _, writer = await asyncio.open_connection(self.config["host"], int(self.config["management_port"]))
        except OSError:
            return False
        writer.close()
        return True
