"""Text to image with a workflow that comes with the server: nothing to export.

    INVOKEAI_URL=http://localhost:9090 python text_to_image.py images

The workflow's form has no steps; what a form does not show is set on the node.
"""

import os
import sys
from pathlib import Path

from invokeai_py_client import InvokeAIClient, RunProgress

OUT = Path(sys.argv[1] if sys.argv[1:] else "images")
SIZE, STEPS = int(os.environ.get("SIZE", "512")), int(os.environ.get("STEPS", "20"))


def show(progress: RunProgress) -> None:
    doing = progress.message or progress.node_name or progress.why or ""
    print(f"\r{progress.fraction:4.0%} {doing:60.60}", end="", flush=True)


with InvokeAIClient() as client:
    workflow = client.workflow_repo.load("Text to Image - SD1.5")
    workflow.set_inputs(
        model=client.model_repo.get_any_model(base="sd-1", type="main"),
        positive_prompt="a lighthouse at dawn, soft light",
        width=SIZE,
        height=SIZE,
    )
    workflow.set_node_value("denoise_latents", "steps", STEPS)

    # One request, three images, each with a seed of its own.
    result = workflow.run(runs=3, seed="random", on_progress=show)
    print()
    for job in result.jobs:
        print(job.image.save(OUT / f"lighthouse-{job.seed}.png"))
