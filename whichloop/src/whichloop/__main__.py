"""``python -m whichloop``."""

import sys

from .cli import main

sys.exit(main())
