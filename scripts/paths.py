"""Where things are in the checkout."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Elsewhere for a command that is run many times at once: see soak.py.
RESULTS = Path(os.environ.get("WRONGLOOP_RESULTS") or ROOT / "results")
