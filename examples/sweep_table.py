"""A sweep over the rows of a table, which goes on where it was.

    INVOKEAI_URL=http://localhost:9090 python sweep_table.py images scenes.csv

End it at any time, by Ctrl-C or `kill -9`, and run it again: what the server made
meanwhile is fetched, and only the rest is enqueued. The same with rows that were
appended to the table.
"""

import os
import sys
from pathlib import Path

from invokeai_py_client import InvokeAIClient
from invokeai_py_client.sweep import Sweep

OUT = Path(sys.argv[1] if sys.argv[1:] else "images")
TABLE = Path(sys.argv[2]) if sys.argv[2:] else Path(__file__).parent / "scenes.csv"
SIZE, STEPS = int(os.environ.get("SIZE", "512")), int(os.environ.get("STEPS", "20"))
FILE = Path(__file__).parent / "workflows" / "portrait.json"

with InvokeAIClient() as client:
    workflow = client.workflow_repo.load(FILE)
    model = client.model_repo.get_any_model(base="sd-1", type="main")
    workflow.set_inputs(model=model, width=SIZE, height=SIZE, steps=STEPS)

    # The columns of the table are inputs; each row gets a seed, which is recorded.
    plan = workflow.sweep(rows=TABLE, seed="random")
    name = "{index:05d}-{positive_prompt:slug:40}-{seed}"
    for item in plan.stream(OUT / "scenes", name=name):
        print(*(item.paths or (f"row {item.index} failed: {item.error}",)), flush=True)

print(Sweep.open(OUT / "scenes").status())
