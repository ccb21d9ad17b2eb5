from __future__ import annotations

import sys
from pathlib import Path

# behave_project.py stands beside the tests; this finds it whatever import mode pytest is started with.
sys.path.insert(0, str(Path(__file__).parent))
