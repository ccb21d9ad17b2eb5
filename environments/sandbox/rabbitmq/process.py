"""The supervised process around the broker. It is ready at once; the broker listens a few seconds later."""

from __future__ import annotations

import asyncio
import os
from asyncio.subprocess import Process
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp

from environments.sandbox.rabbitmq.broker import Broker, exchange
from environments.sandbox.shared.process import SandboxProcess

PASSWORD_CHANGED, EXCHANGE_MISSING = "broker-password-changed", "broker-exchange-missing"
CRASHED = 1
_UP_WITHIN_S = 30.0


class RabbitMQProcess(SandboxProcess):
    """Faults and resets wait until the broker is up; a broker that ends by itself ends this process too."""

    name = "rabbitmq"
    fault_ids = frozenset({PASSWORD_CHANGED, EXCHANGE_MISSING})

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__(config)
        folder = Path(config["run_dir"])
        self._broker = Broker(config, folder / "rabbitmq", folder / "logs" / "rabbitmq-server.log")
        self._watching: asyncio.Task[None] | None = None
        self._password = str(config["password"])
        self._address = f"http://{config['host']}:{config['management_port']}/api"
        self._user = config["user"]

    async def start(self) -> Mapping[str, Any]:
        self._watching = asyncio.create_task(self._watch(await self._broker.start()))
        return {"host": self.config["host"], "port": self.config["port"]}

    async def stop(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
        await self._broker.kill()

    async def reset(self) -> None:
        """No queue is left, and everything the product was promised is there."""
        vhost = quote(self.config["vhost"], safe="")
        for queue in await self._ask("GET", f"/queues/{vhost}?columns=name"):
            await self._ask("DELETE", f"/queues/{vhost}/{quote(queue['name'], safe='')}")

    async def state(self) -> Mapping[str, Any]:
        return {"listens": await self._listens()}

    async def faults_changed(self, switched_on: frozenset[str], switched_off: frozenset[str]) -> None:
        if PASSWORD_CHANGED in switched_on | switched_off:
            right = str(self.config["password"])
            await self._set_password(f"not-{right}" if PASSWORD_CHANGED in switched_on else right)
        vhost, name = quote(self.config["vhost"], safe=""), quote(self.config["exchange"], safe="")
        if EXCHANGE_MISSING in switched_on:
            await self._ask("DELETE", f"/exchanges/{vhost}/{name}")
        if EXCHANGE_MISSING in switched_off:
            settings = {key: value for key, value in exchange(self.config).items() if key not in ("name", "vhost")}
            await self._ask("PUT", f"/exchanges/{vhost}/{name}", settings)

    async def _set_password(self, password: str) -> None:
        await self._ask("PUT", f"/users/{quote(self._user)}", {"password": password, "tags": "administrator"})
        self._password = password

    async def _ask(self, method: str, path: str, body: Any = None) -> Any:
        """One request of the management interface, as soon as it answers."""
        async with asyncio.timeout(_UP_WITHIN_S):
            while not await self._listens():
                await asyncio.sleep(0.1)
        authentication = aiohttp.BasicAuth(self._user, self._password)
        async with (
            aiohttp.ClientSession(auth=authentication, raise_for_status=True) as session,
            session.request(method, self._address + path, json=body) as answer,
        ):
            return await answer.json(content_type=None) if await answer.read() else None

    async def _listens(self) -> bool:
        """The management interface comes last: when it answers, everything does."""
        try:
            _, writer = await asyncio.open_connection(self.config["host"], int(self.config["management_port"]))
        except OSError:
            return False
        writer.close()
        return True

    async def _watch(self, server: Process) -> None:
        await server.wait()
        self.log.error("the broker ended by itself, exit status %s", server.returncode)
        await self._broker.kill()
        os._exit(CRASHED)
