#!/bin/sh
# Locust 2.47.0: a worker that joins while a load runs takes users away from the workers that are there, in the midst of
# what these do, although rebalancing is off (--enable-rebalancing is what the documentation says it needs).
#
# Seen 2026-11-28 with Python 3.11:
#   rebalancing is on: False
#   users stopped in the midst of their task when a second worker joined: 2 of 4
# The suite takes no worker once the load has begun (load/master.py).
#
# Installs a pinned public package into a new folder and talks to ports on loopback. Ends with 1 when it changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "locust==2.47.0"
cat > "$folder/worker.py" <<'PYTHON'
from gevent import monkey

monkey.patch_all()
import sys

import gevent
from locust import User, task
from locust.env import Environment


class Patient(User):
    @task
    def wait(self):
        try:
            gevent.sleep(60)
        except gevent.GreenletExit:
            print("stopped in the midst", flush=True)
            raise


runner = Environment(user_classes=[Patient]).create_worker_runner("127.0.0.1", int(sys.argv[1]))
runner.greenlet.join()
PYTHON
cat > "$folder/master.py" <<'PYTHON'
from gevent import monkey

monkey.patch_all()
import subprocess
import sys

import gevent
from locust import User, task
from locust.env import Environment


class Patient(User):
    @task
    def wait(self):
        pass


def worker(port):
    return subprocess.Popen([sys.executable, sys.argv[1], str(port)], stdout=subprocess.PIPE, text=True)


def until(done):
    with gevent.Timeout(60):
        while not done():
            gevent.sleep(0.1)


runner = Environment(user_classes=[Patient]).create_master_runner("127.0.0.1", 0)
first = worker(runner.server.port)
until(lambda: len(runner.clients) == 1)
runner.start(4, spawn_rate=4)
until(lambda: runner.user_count == 4)
second = worker(runner.server.port)
until(lambda: len(runner.clients) == 2)
gevent.sleep(5)
first.kill()
second.kill()
stopped = first.stdout.read().count("stopped in the midst")
print(f"rebalancing is on: {runner.rebalancing_enabled()}")
print(f"users stopped in the midst of their task when a second worker joined: {stopped} of 4")
sys.exit(0 if stopped == 2 and not runner.rebalancing_enabled() else 1)
PYTHON
"$folder/venv/bin/python" "$folder/master.py" "$folder/worker.py"
