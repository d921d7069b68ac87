"""The whole library in ten lines: a workflow, its image, and the next workflow.

INVOKEAI_URL=http://localhost:9090 python quickstart.py images
"""

import os
import sys
from pathlib import Path

from invokeai_py_client import InvokeAIClient

OUT = Path(sys.argv[1] if sys.argv[1:] else "images")
SIZE, STEPS = int(os.environ.get("SIZE", "512")), int(os.environ.get("STEPS", "20"))
WORKFLOWS = Path(__file__).parent / "workflows"

with InvokeAIClient() as client:  # reads INVOKEAI_URL
    # Any name, key or hash of a model will do; this takes what the server has.
    model = client.model_repo.get_any_model(base="sd-1", type="main")

    portrait = client.workflow_repo.load(WORKFLOWS / "portrait.json")
    portrait.set_inputs(model=model, width=SIZE, height=SIZE, steps=STEPS)
    result = portrait.run(positive_prompt="a lighthouse at dawn", seed=7)
    print(result.image.save(OUT / "lighthouse.png"), "seed", *result.seeds)

    upscale = client.workflow_repo.load(WORKFLOWS / "upscale.json")
    upscaled = upscale.run(image=result.image)
    print(upscaled.image.save(OUT / "lighthouse-2x.png"))
