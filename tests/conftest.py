"""What all tests share.

A shell that runs the tests in the background has them ignore Ctrl-C, nohup the end of the terminal, and their children
inherit that: the tests of both begin as a person at a terminal has it. Windows knows no end of a terminal.
"""

from __future__ import annotations

import signal

from support.hooks.signals import end_with_the_one_who_waits

signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP"):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
end_with_the_one_who_waits()
