"""``python load/master.py --listen HOST:PORT``: a Locust master that does what its input says, one line of JSON each.

It ends, and its workers with it, when the input does. What workers tell is passed on as a line of JSON on the output.
Nothing of the suite is imported here: gevent and the suite's own clients do not live in one process.
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
"""Seconds without a heartbeat after which a worker is lost. Locust's three were seen to pass while a worker on a busy
machine sent two thousand requests; one on this machine that ends is noticed at once, by the suite."""
TOLD_BY_WORKERS = ("here", "pong", "connected", "answers", "used")


class Tester(User):
    """As the workers call it; its requests are theirs (worker.py)."""

    @task
    def serve(self):
        raise RuntimeError("a master serves nobody")


class Master(MasterRunner):
    """Takes no further worker once the load has begun: Locust would move users to it, in the middle of a request."""

    begun = False

    def handle_message(self, client_id, msg):
        if self.begun and msg.type == "client_ready" and client_id not in self.clients:
            self.send_message("quit", client_id=client_id)
            return
        super().handle_message(client_id, msg)


def tell(**what):
    os.write(1, (json.dumps(what) + "\n").encode())


def pass_on(runner):
    """What workers say, each with who it was."""

    def passing(name):
        def listener(environment, msg, **_):
            tell(told=name, worker=msg.node_id, data=msg.data)

        return listener

    for name in TOLD_BY_WORKERS:
        runner.register_message(name, passing(name))


def watch_workers(runner):
    """Tell of each worker that is no longer heard of."""
    lost = set()
    while True:
        gevent.sleep(LOOK_EVERY_S)
        for client in list(runner.clients.values()):
            if client.state == STATE_MISSING and client.id not in lost:
                lost.add(client.id)
                tell(told="lost", worker=client.id, data=None)


def follow(runner):
    """Until the input ends."""
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
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is told to the run, and that closes our input
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
