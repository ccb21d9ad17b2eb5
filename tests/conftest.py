"""What all tests share.

A shell that runs the tests in the background has them ignore Ctrl-C, and their children inherit that: the tests of
Ctrl-C begin with it as a person at a terminal has it.
"""

from __future__ import annotations

import signal

from support.hooks.signals import end_with_the_one_who_waits

signal.signal(signal.SIGINT, signal.default_int_handler)
end_with_the_one_who_waits()
