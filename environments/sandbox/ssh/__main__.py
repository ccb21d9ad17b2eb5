"""``python -m environments.sandbox.ssh``"""

from __future__ import annotations

from environments.sandbox.shared.process import main
from environments.sandbox.ssh.process import SshProcess

main(SshProcess)
