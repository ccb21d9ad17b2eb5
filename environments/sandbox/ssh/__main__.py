"""``python -m environments.sandbox.ssh``"""

from __future__ import annotations

from environments.sandbox.process import main
from environments.sandbox.ssh.process import SshProcess

main(SshProcess)
