"""Two workflows chained: what the first one makes is what the second one takes.

    INVOKEAI_URL=http://localhost:9090 python chained_workflows.py images

The image stays on the server between the two; only the end result is downloaded.
"""

import os
import sys
from pathlib import Path

from invokeai_py_client import InvokeAIClient

OUT = Path(sys.argv[1] if sys.argv[1:] else "images")
SIZE, STEPS = int(os.environ.get("SIZE", "512")), int(os.environ.get("STEPS", "20"))
WORKFLOWS = Path(__file__).parent / "workflows"

with InvokeAIClient() as client:
    model = client.model_repo.get_any_model(base="sd-1", type="main")
    portrait = client.workflow_repo.load(WORKFLOWS / "portrait.json")
    upscale = client.workflow_repo.load(WORKFLOWS / "upscale.json")
    small = {"model": model, "width": SIZE, "height": SIZE, "steps": STEPS}

    first = portrait.run(small, positive_prompt="a harbour in fog", seed=11)
    second = upscale.run(image=first.image, scale=2, sharpen=80)

    (used,) = second.jobs
    print("made:    ", first.image.image_name, first.image.width, first.image.height)
    print("taken:   ", used.values["image"]["image_name"])
    print("upscaled:", second.image.width, second.image.height)
    print(second.image.save(OUT / "harbour.png"))
