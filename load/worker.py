"""``python load/worker.py --master HOST:PORT``: a Locust worker that sends only what the master hands out.

A Locust user is one client with a connection of its own. It sends each ticket once, at the time given on the ticket,
and returns the raw result. The suite alone decides which requests are sent, how many and when: a worker makes no
request of its own except the GET that connects. Nothing of the suite is imported here.
"""

from gevent import monkey

monkey.patch_all()

import argparse
import hashlib
import json
import os
import signal
import ssl
import sys
import time

import gevent
from gevent.fileobject import FileObject
from gevent.pool import Pool
from gevent.queue import Queue
from locust import FastHttpUser, task
from locust.env import Environment

if sys.platform != "win32":
    import resource

TOLD_EVERY_S = 0.02
"""Seconds for which answers are collected before they are sent to the master: one message for each answer would take
time from the other requests."""


class PinnedContext(ssl.SSLContext):
    """Accepts only the certificate whose fingerprint is ``pin`` (hexadecimal SHA-256)."""

    pin = ""

    def wrap_socket(self, *args, **settings):
        connection = super().wrap_socket(*args, **settings)
        seen = hashlib.sha256(connection.getpeercert(binary_form=True) or b"").hexdigest()
        if seen != self.pin:
            connection.close()
            raise ssl.SSLError(f"the certificate that answers is sha256:{seen}, not sha256:{self.pin}")
        return connection


def trust_of(plan):
    """Return the TLS context for a plan."""
    context = PinnedContext(ssl.PROTOCOL_TLS_CLIENT) if plan["pin"] else ssl.create_default_context()
    if plan["pin"] or not plan["verify"]:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.pin = plan["pin"]
    elif plan["ca"]:
        context = ssl.create_default_context(cadata=plan["ca"])
    return context


def peak_kilobytes():
    """Return the peak memory of this process in kilobytes, or 0 on Windows, where it is not available."""
    if sys.platform == "win32":
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // 1024 if sys.platform == "darwin" else peak


def raise_own_limit():
    """Raise the limit of open files as far as the machine allows: each user has a connection."""
    if sys.platform != "win32":
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def plain(headers):
    """Return headers by name; the values of a repeated header are joined by commas, as HTTP allows."""
    found = {}
    for name, value in (headers or {}).items():
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found


class Tester(FastHttpUser):
    """One client. It registers with the crew, and waits for tickets."""

    host = "http://no.plan.yet"
    timeout_s = 0.0

    def on_start(self):
        self.inbox = Queue()
        CREW.users.append(self)

    def on_stop(self):
        CREW.users.remove(self)

    @task
    def serve(self):
        self.inbox.get()(self)

    def exchange(self, method, url, headers, body):
        """Send a request once. Returns status, headers, body and error; the status is None if no answer came."""
        try:
            with gevent.Timeout(self.timeout_s):
                answer = self.client.request(
                    method, url, name=url, data=body, headers=dict(headers), allow_redirects=False
                )
                if answer.status_code:
                    text = (answer.content or b"").decode("utf-8", errors="replace")
                    return answer.status_code, plain(answer.headers), text, ""
                return None, {}, "", f"no answer: {answer.error}"
        except gevent.Timeout:
            return None, {}, "", f"no answer: none came within {self.timeout_s:g} s"


class Crew:
    """The users of this worker, and the results that wait to be sent to the master."""

    def __init__(self):
        self.users, self.told, self.runner = [], [], None

    def on_plan(self, environment, msg, **_):
        """Take the trusted certificates and the timeouts from the plan."""
        plan = msg.data
        Tester.ssl_context_factory = staticmethod(lambda: trust_of(plan))
        Tester.insecure = bool(plan["pin"]) or not plan["verify"]
        Tester.connection_timeout, Tester.network_timeout = plan["connect_s"], plan["read_s"]
        Tester.timeout_s = plan["connect_s"] + plan["read_s"]

    def on_ping(self, environment, msg, **_):
        """Answer with this machine's clock, to which the times on tickets refer."""
        self.runner.send_message("pong", {"asked": msg.data["asked"], "clock_s": time.monotonic()})

    def on_connect(self, environment, msg, **_):
        """Reconnect the wanted number of users, a few at once, with a harmless request; report when all have
        connected."""
        gevent.spawn(self._connect, msg.data)

    def _connect(self, wanted):
        while len(self.users) < wanted["users"]:
            gevent.sleep(0.01)
        done = Queue()

        def warm(user):
            user.client.client.clientpool.close()
            user.exchange("GET", wanted["url"], {"Accept": "application/json"}, None)
            done.put(user)

        def one(user):
            user.inbox.put(warm)
            done.get()

        Pool(wanted["at_once"]).map(one, self.users[: wanted["users"]])
        self.runner.send_message("connected", {"users": wanted["users"]})

    def on_tickets(self, environment, msg, **_):
        """Hand each ticket to the user that it names."""
        for ticket in msg.data:
            self.users[ticket["user"]].inbox.put(self._sending(ticket))

    def _sending(self, ticket):
        def send(user):
            gevent.sleep(max(0.0, ticket["at_s"] - time.monotonic()))
            sent_s = time.monotonic()
            status, headers, body, error = user.exchange(
                ticket["method"], ticket["url"], ticket["headers"], ticket["body"]
            )
            self.told.append(
                {"number": ticket["number"], "sent_s": sent_s, "done_s": time.monotonic(), "status": status}
                | {"headers": headers, "body": body, "error": error}
            )

        return send

    def on_use(self, environment, msg, **_):
        """Report the processor time and the peak memory of this process."""
        self.runner.send_message("used", {"cpu_s": time.process_time(), "kilobytes": peak_kilobytes()})

    def tell(self):
        """Send the collected results to the master, for as long as the worker lives."""
        while True:
            gevent.sleep(TOLD_EVERY_S)
            if self.told:
                told, self.told = self.told, []
                self.runner.send_message("answers", told)


CREW = Crew()


def end_with_input(runner):
    """Exit when the input ends, because the process that started this one is gone then."""
    FileObject(sys.stdin.buffer, "rb").read()
    os._exit(0 if runner.connected else 1)


def main():
    parser = argparse.ArgumentParser(description="Be a worker of a load; the master says what is sent.")
    parser.add_argument("--master", required=True, help="HOST:PORT")
    parser.add_argument("--ends-with-input", action="store_true", help="of one that is started by the master's side")
    options = parser.parse_args()
    raise_own_limit()
    host, _, port = options.master.rpartition(":")
    if options.ends_with_input:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the run handles Ctrl-C and closes our input
    environment = Environment(user_classes=[Tester], catch_exceptions=True)
    try:
        CREW.runner = runner = environment.create_worker_runner(host, int(port))
    except ConnectionError:
        print(f"load-worker: nobody answers as a master at {options.master}", file=sys.stderr)
        return 2
    for name in ("plan", "ping", "connect", "tickets", "use"):
        runner.register_message(name, getattr(CREW, f"on_{name}"))
    runner.send_message("here", {"name": os.environ.get("JOB_COMPLETION_INDEX") or json.dumps(os.getpid())})
    gevent.spawn(CREW.tell)
    if options.ends_with_input:
        gevent.spawn(end_with_input, runner)
    runner.greenlet.join()
    return 0


if __name__ == "__main__":
    sys.exit(main())
