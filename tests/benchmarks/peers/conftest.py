"""Puts the folder that holds `benchmarks` on the path, however pytest was started."""

import sys
from pathlib import Path

if (root := str(Path(__file__).parents[3])) not in sys.path:
    sys.path.append(root)
