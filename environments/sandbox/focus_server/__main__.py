from __future__ import annotations

from environments.sandbox.focus_server.server import FocusServer
from environments.sandbox.shared.process import main

if __name__ == "__main__":
    main(FocusServer)
