"""The public API is what its snapshot says: a change of it is seen in review."""

from __future__ import annotations

import subprocess
import sys

from paths import REPOSITORY

SCRIPT = REPOSITORY / "scripts" / "api_snapshot.py"


def test_the_public_api_is_that_of_the_snapshot():
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--check"], capture_output=True, text=True
    )
    assert done.returncode == 0, (
        "the public API changed; `python scripts/api_snapshot.py` writes the snapshot, "
        "and CHANGELOG.md tells users:\n" + done.stdout + done.stderr
    )
