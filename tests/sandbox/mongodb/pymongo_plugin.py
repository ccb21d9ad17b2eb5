"""A plugin for pymongo's own tests: it reads their user from the environment, as the server does not manage users."""

from __future__ import annotations

import importlib
import os
from typing import Any

_tests: Any = importlib.import_module("test")  # the driver's tests: pytest is started in the folder that holds them
_tests._all_users = lambda _: {os.environ["DB_USER"]}  # the original sends usersInfo, which the server does not have
