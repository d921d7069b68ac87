"""A sweep over prompts and seeds: every combination, a grid and a gallery of them.

    INVOKEAI_URL=http://localhost:9090 python sweep_prompts.py images

Run it again with more prompts at the end of the list: only the new ones are made.
"""

import os
import sys
from pathlib import Path

from invokeai_py_client import InvokeAIClient
from invokeai_py_client.sweep import Sweep, seeds

OUT = Path(sys.argv[1] if sys.argv[1:] else "images")
SIZE, STEPS = int(os.environ.get("SIZE", "512")), int(os.environ.get("STEPS", "20"))
FILE = Path(__file__).parent / "workflows" / "portrait.json"
PROMPTS = ["a lighthouse at dawn", "a harbour in fog", "a fox in the snow"]

with InvokeAIClient() as client:
    workflow = client.workflow_repo.load(FILE)
    model = client.model_repo.get_any_model(base="sd-1", type="main")
    workflow.set_inputs(model=model, width=SIZE, height=SIZE, steps=STEPS)

    # The first axis varies slowest: appended prompts come after all others.
    plan = workflow.sweep(
        product={"positive_prompt": PROMPTS, "seed": seeds(4, start=1)}
    )
    result = plan.run(
        OUT / "prompts", name="{positive_prompt:slug:40}-{seed}", on_progress=print
    )

sweep = Sweep.open(result.folder)
sweep.grid("seed", "positive_prompt").save(OUT / "prompts.png")  # columns, rows
print(sweep.gallery())
