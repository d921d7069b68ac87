"""Run by the server's own Python: what its models make of batches.

Reads a JSON list of batches on standard input and prints a list of verdicts:
``refused`` (enqueuing would answer 422), ``blocks`` (the job would be stored, and no
worker could read it), or ``fine``. This is what enqueuing and a worker do in 6.14.2,
without a queue that could be blocked.
"""

import importlib
import json
import logging
import pkgutil
import sys
import warnings
from itertools import islice

warnings.filterwarnings("ignore")
logging.disable(logging.CRITICAL)

from invokeai.app import invocations  # noqa: E402
from invokeai.app.services.session_queue import (  # noqa: E402
    session_queue_common as queue,
)

MAX_JOBS = 500
# What validators of nodes let through besides their own kind; each is an answer with
# an error, or a job that the worker tries again for ever.
REFUSALS = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError)


def judge(batch: dict) -> str:
    """The verdict about one batch."""
    try:
        checked = queue.Batch.model_validate(batch)
        # Making the jobs is part of enqueuing, too.
        sessions = [
            session
            for _, session, _ in islice(
                queue.create_session_nfv_tuples(checked, MAX_JOBS), MAX_JOBS
            )
        ]
    except REFUSALS:
        return "refused"
    try:
        for session in sessions:
            queue.GraphExecutionStateValidator.validate_json(session, strict=False)
    except REFUSALS:
        return "blocks"
    return "fine"


for module in pkgutil.iter_modules(invocations.__path__):
    if module.name != "custom_nodes":
        importlib.import_module(f"{invocations.__name__}.{module.name}")
output = sys.stdout
sys.stdout = sys.stderr  # Nodes that are imported may print.
json.dump([judge(batch) for batch in json.load(sys.stdin)], output)
