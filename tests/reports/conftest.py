from __future__ import annotations

import sys
from pathlib import Path

# behave_project.py is in this folder; this makes it importable in each of pytest's import modes.
sys.path.insert(0, str(Path(__file__).parent))
