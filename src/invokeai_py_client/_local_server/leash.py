"""Run InvokeAI's web server in this process, and end it when the parent is gone.

Started by `process.py` with the server environment's own Python, as a file: it must
not import the client. Standard input is a pipe that nobody writes to; it closes when
the parent dies, however that happened, and then this process ends too instead of
staying behind with more than a gigabyte of memory.
"""

import os
import shutil
import signal
import sys
import threading
import time

GRACE = 15.0


def end_with_parent() -> None:
    """Wait for the pipe to close; then ask the server to stop, then insist."""
    while os.read(0, 1):
        pass
    temporary = os.environ.get("LEASH_TEMPORARY_ROOT")
    if temporary:
        # Nobody else is left to do it; the files that are open go with the process.
        shutil.rmtree(temporary, ignore_errors=True)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE)
    os._exit(1)


def main() -> None:
    """Start the watch, then the server."""
    threading.Thread(target=end_with_parent, daemon=True).start()
    from invokeai.app.run_app import run_app  # type: ignore[import-not-found,unused-ignore]

    sys.argv[0] = "invokeai-web"
    run_app()


if __name__ == "__main__":
    main()
