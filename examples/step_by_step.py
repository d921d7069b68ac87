"""The same, one step at a time: definition, handle, inputs, submission, outputs.

INVOKEAI_URL=http://localhost:9090 python step_by_step.py images
"""

import os
import sys
from pathlib import Path

from invokeai_py_client import InvokeAIClient, WorkflowDefinition

OUT = Path(sys.argv[1] if sys.argv[1:] else "images")
SIZE, STEPS = int(os.environ.get("SIZE", "512")), int(os.environ.get("STEPS", "20"))
FILE = Path(__file__).parent / "workflows" / "portrait.json"

client = InvokeAIClient()  # reads INVOKEAI_URL

wf = client.workflow_repo.create_workflow(WorkflowDefinition.from_file(FILE))
for inp in wf.list_inputs():  # the form, top to bottom
    print(inp.input_index, inp.name, inp.label, inp.value)

wf.get_input_value(1).value = "a lighthouse at dawn"  # the typed field; checked at once
wf["steps"] = STEPS  # or by name, label, (node, field)
wf["Width"] = wf["noise", "height"] = SIZE
wf["model"] = client.model_repo.get_any_model(base="sd-1", type="main")

wf.submit_sync()
result = wf.wait_for_completion_sync(timeout=600)

for out in wf.map_outputs_to_images(result):
    print(out.node_id, out.label, [image.image_name for image in out.images])
    for image in out.images:
        print(image.save(OUT / f"{out.name}-{result.jobs[0].seed}.png"))

client.close()
