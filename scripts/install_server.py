"""Install a real InvokeAI into the cache folder; quick when it is there already.

python scripts/install_server.py [VERSION]
"""

from __future__ import annotations

import sys

from invokeai_py_client.exceptions import LocalServerError
from invokeai_py_client.server import DEFAULT_VERSION, install_server


def main() -> int:
    """Install the version named on the command line."""
    version = sys.argv[1] if len(sys.argv) > 1 else DEFAULT_VERSION
    try:
        install_server(version, report=lambda line: print(line, flush=True))
    except LocalServerError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
