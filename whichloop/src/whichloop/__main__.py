"""``python -m whichloop``."""

import sys

from whichloop.cli import main

sys.exit(main())
