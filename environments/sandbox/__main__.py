"""``python -m environments.sandbox up``: the embedded estate in the foreground."""

from __future__ import annotations

import sys

from environments.sandbox.supervisor.cli import main

if __name__ == "__main__":
    sys.exit(main())
