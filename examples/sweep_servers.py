"""One sweep on several servers: each gets new work as it finishes other work.

    python sweep_servers.py images http://gpu1:9090 http://gpu2:9090

A server that stays away loses what it has to the others. Run it again if all of them
are away, also with other servers.
"""

import os
import sys
from collections import Counter
from pathlib import Path

from invokeai_py_client import InvokeAIClient
from invokeai_py_client.sweep import Sweep, seeds

OUT = Path(sys.argv[1] if sys.argv[1:] else "images")
SERVERS = sys.argv[2:] or [os.environ.get("INVOKEAI_URL", "http://localhost:9090")]
SIZE, STEPS = int(os.environ.get("SIZE", "512")), int(os.environ.get("STEPS", "20"))
FILE = Path(__file__).parent / "workflows" / "portrait.json"

with InvokeAIClient.from_url(SERVERS[0]) as client:
    workflow = client.workflow_repo.load(FILE)
    # By its name: on each server, the model has another key.
    model = client.model_repo.get_any_model(base="sd-1", type="main").name
    workflow.set_inputs(model=model, width=SIZE, height=SIZE, steps=STEPS)

    plan = workflow.sweep(
        product={"positive_prompt": ["a lighthouse"], "seed": seeds(16, start=1)}
    )
    result = plan.run(OUT / "farm", name="{index:05d}-{seed}", servers=SERVERS)

print(result.progress)
made = Counter(item.server for item in Sweep.open(result.folder).items())
for server, images in made.items():
    print(server, images)
