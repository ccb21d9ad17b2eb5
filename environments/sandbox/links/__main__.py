"""``python -m environments.sandbox.links``"""

from __future__ import annotations

from environments.sandbox.links.process import LinksProcess
from environments.sandbox.process import main

main(LinksProcess)
