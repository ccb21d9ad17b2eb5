"""``python load/master.py --listen HOST:PORT``: a Locust master that reads its commands as lines of JSON.

When its input ends, the master ends, and its workers with it. Messages from workers are written to the output as JSON
lines. Nothing of the suite is imported here: gevent and the suite's own clients cannot run in one process.
"""

from gevent import monkey

monkey.patch_all()

import argparse
import json
import os
import signal
import sys

import gevent
from gevent.fileobject import FileObject
from locust import User, runners, task
from locust.env import Environment
from locust.runners import STATE_MISSING, MasterRunner

LOOK_EVERY_S = 0.2
runners.HEARTBEAT_LIVENESS = 20
"""Seconds without a heartbeat after which a worker is lost. Locust's default of three seconds was exceeded while a
worker on a busy machine sent two thousand requests. The suite notices at once when a worker on this machine ends."""
TOLD_BY_WORKERS = ("here", "pong", "connected", "answers", "used")


class Tester(User):
    """The class has the same name as in the workers (worker.py), which send the requests."""

    @task
    def serve(self):
        raise RuntimeError("a master serves nobody")


class Master(MasterRunner):
    """Accepts no worker once the load has begun: Locust would move users to it in the middle of a request."""

    begun = False

    def handle_message(self, client_id, msg):
        if self.begun and msg.type == "client_ready" and client_id not in self.clients:
            self.send_message("quit", client_id=client_id)
            return
        super().handle_message(client_id, msg)


def tell(**what):
    os.write(1, (json.dumps(what) + "\n").encode())


def pass_on(runner):
    """Pass on the messages of the workers, each with the id of its worker."""

    def passing(name):
        def listener(environment, msg, **_):
            tell(told=name, worker=msg.node_id, data=msg.data)

        return listener

    for name in TOLD_BY_WORKERS:
        runner.register_message(name, passing(name))


def watch_workers(runner):
    """Report each worker that no longer sends heartbeats."""
    lost = set()
    while True:
        gevent.sleep(LOOK_EVERY_S)
        for client in list(runner.clients.values()):
            if client.state == STATE_MISSING and client.id not in lost:
                lost.add(client.id)
                tell(told="lost", worker=client.id, data=None)


def follow(runner):
    """Carry out the commands of the input until it ends."""
    for line in FileObject(sys.stdin.buffer, "rb"):
        wish = json.loads(line)
        if wish["do"] == "users":
            runner.begun = True
            runner.start(wish["data"], spawn_rate=wish["data"])
        else:
            runner.send_message(wish["do"], wish["data"], client_id=wish["worker"])


def main():
    parser = argparse.ArgumentParser(description="Be the master of a load; the input says what is done.")
    parser.add_argument("--listen", required=True, help="HOST:PORT; port 0 takes a free one")
    host, _, port = parser.parse_args().listen.rpartition(":")
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the run handles Ctrl-C and closes our input
    environment = Environment(user_classes=[Tester])
    environment.runner = runner = Master(environment, host, int(port))
    pass_on(runner)
    gevent.spawn(watch_workers, runner)
    tell(told="listens", worker=None, data=runner.server.port)
    follow(runner)
    runner.quit()
    return 0


if __name__ == "__main__":
    sys.exit(main())
