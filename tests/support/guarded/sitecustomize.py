"""Found by every Python process that a test starts, before its own program."""

import sys
from pathlib import Path

_SUPPORT = str(Path(__file__).resolve().parents[1])
sys.path.insert(0, _SUPPORT)
try:
    from network_audit import guard_child
finally:
    sys.path.remove(_SUPPORT)

guard_child()
