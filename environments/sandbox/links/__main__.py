"""``python -m environments.sandbox.links``"""

from __future__ import annotations

from environments.sandbox.links.process import LinksProcess
from environments.sandbox.shared.process import main

main(LinksProcess)
