"""`make minimal`: show the five lines of `five_lines.py`, run them, and say what happened."""

import subprocess
import sys
from pathlib import Path

from scripts.views import terminal

SCRIPT = Path(__file__).with_name("five_lines.py")


def minimal() -> int:
    """0 if the five lines raised the error, else 1."""
    terminal.line(SCRIPT.read_text("utf-8").split('"""')[2].strip())
    terminal.line()
    result = subprocess.run(
        [sys.executable, str(SCRIPT)], capture_output=True, text=True, check=False
    )
    message = (result.stderr.strip().splitlines() or [""])[-1]
    if result.returncode == 0 or "attached to a different loop" not in message:
        terminal.error("the five lines did not raise the error", f"python {SCRIPT}")
        return 1
    terminal.line(message, "red")
    terminal.line()
    terminal.line(
        "The future was made on loop A. The task that awaits it runs on loop B, and nobody would\n"
        "wake B when a future of A is done, so asyncio refuses. A database connection waits on\n"
        "futures of the loop it was opened on; a test suite runs its tests on several loops."
    )
    terminal.line("\nNext: make reproduce")
    return 0
