"""Where the repository keeps what tests read."""

from __future__ import annotations

from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
REPOSITORY = TESTS.parent
DATA = TESTS / "data"
PORTRAIT = REPOSITORY / "examples" / "workflows" / "portrait.json"

# Has the form of the ids that servers make.
NO_SUCH_ID = "00000000-0000-0000-0000-000000000000"
