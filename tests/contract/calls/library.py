"""Sample calls of the workflow library, presets, prompts and the rarely used rest."""

from __future__ import annotations

from media_files import PNG

from contract.calls import Local, call
from invokeai_py_client.workflow.library.library_flows import WorkflowRecord

FILE = {
    "name": "Portrait",
    "meta": {"version": "3.0.0", "category": "user"},
    "nodes": [],
    "edges": [],
}
RECORD = {"workflow_id": "w", "name": "Portrait", "workflow": {**FILE, "id": "w"}}
LISTED = {"workflow_id": "w", "name": "Portrait", "category": "user"}
WITH_PICTURE = {**RECORD, "thumbnail_url": "api/v1/workflows/i/w/thumbnail"}
PRESET = {
    "id": "p",
    "name": "Oil",
    "preset_data": {"positive_prompt": "{prompt}", "negative_prompt": ""},
    "type": "user",
    "is_public": False,
    "user_id": "system",
    "image": "api/v1/style_presets/i/p/image",
}
SYSTEM_PROMPT = {"id": "s", "name": "Default", "content": "Expand."}

ANSWERS = {
    "GET /api/v1/app/version": {"version": "6.14.2"},
    "GET /api/v1/workflows/": {"items": [LISTED]},
    "GET /api/v1/workflows/i/{workflow_id}": WITH_PICTURE,
    "POST /api/v1/workflows/": RECORD,
    "PATCH /api/v1/workflows/i/{workflow_id}": RECORD,
    "PATCH /api/v1/workflows/i/{workflow_id}/is_public": RECORD,
    "GET /api/v1/workflows/i/{workflow_id}/thumbnail": PNG,
    "GET /api/v1/workflows/counts_by_tag": {"sdxl": 1},
    "GET /api/v1/workflows/counts_by_category": {"user": 1},
    "GET /api/v1/style_presets/": [PRESET],
    "GET /api/v1/style_presets/i/{style_preset_id}": PRESET,
    "POST /api/v1/style_presets/": PRESET,
    "PATCH /api/v1/style_presets/i/{style_preset_id}": PRESET,
    "GET /api/v1/style_presets/i/{style_preset_id}/image": PNG,
    "GET /api/v1/style_presets/export": b"name,prompt,negative_prompt\r\n",
    "GET /api/v1/system_prompts/": [SYSTEM_PROMPT],
    "GET /api/v1/system_prompts/i/{system_prompt_id}": SYSTEM_PROMPT,
    "POST /api/v1/system_prompts/": SYSTEM_PROMPT,
    "PATCH /api/v1/system_prompts/i/{system_prompt_id}": SYSTEM_PROMPT,
    "POST /api/v1/recall/{queue_id}": {"status": "success", "parameters": {}},
}
OWN = WorkflowRecord.model_validate(LISTED)

WORKFLOWS = [
    call("workflow_repo.list_workflows"),
    call(
        "workflow_repo.list_workflows",
        categories=["user"],
        tags=["sdxl"],
        query="por",
        has_been_opened=True,
        is_public=False,
        is_callable=True,
        order_by="created_at",
        descending=True,
    ),
    call("workflow_repo.find_workflow", "Portrait"),
    call("workflow_repo.get_workflow", "w"),
    call("workflow_repo.get_workflow_record", "Portrait"),
    call("workflow_repo.save_workflow", FILE, name="Landscape"),
    call("workflow_repo.update_workflow", "w", FILE),
    call("workflow_repo.push_workflow", FILE),
    call("workflow_repo.push_workflow", FILE, name="Landscape"),
    call("workflow_repo.pull_workflow", OWN, Local.FOLDER),
    call("workflow_repo.delete_workflow", OWN),
    call("workflow_repo.set_workflow_public", OWN, True),
    call("workflow_repo.mark_workflow_opened", OWN),
    call("workflow_repo.find_workflow_thumbnail", OWN),
    call("workflow_repo.set_workflow_thumbnail", OWN, Local.PICTURE),
    call("workflow_repo.delete_workflow_thumbnail", OWN),
    call("workflow_repo.list_workflow_tags", categories=["user"], is_public=True),
    call("workflow_repo.count_workflows_by_tag", ["sdxl"], has_been_opened=False),
    call("workflow_repo.count_workflows_by_category", is_public=True),
]

PRESETS = [
    call("style_preset_repo.list_presets"),
    call("style_preset_repo.get_preset", "p"),
    call("style_preset_repo.search_presets", "Oil"),
    call("style_preset_repo.create_preset", "Oil", image=Local.PICTURE),
    call("style_preset_repo.create_preset", "Oil", negative_prompt="x"),
    call("style_preset_repo.update_preset", "p", name="Ink"),
    call("style_preset_repo.update_preset", "p", remove_image=True),
    call("style_preset_repo.delete_preset", "p"),
    call("style_preset_repo.find_preset_image", "p"),
    call("style_preset_repo.export_presets", Local.FOLDER),
    call("style_preset_repo.import_presets", Local.TEXT),
]

PROMPTS = [
    call("system_prompt_repo.list_prompts"),
    call("system_prompt_repo.get_prompt", "s"),
    call("system_prompt_repo.create_prompt", "a", content="b"),
    call("system_prompt_repo.update_prompt", "s", content="c", is_public=True),
    call("system_prompt_repo.delete_prompt", "s"),
]

REST = [
    call("client_state_repo.find_value", "key"),
    call("client_state_repo.set_value", "key", "value"),
    call("client_state_repo.list_keys", "k"),
    call("client_state_repo.delete_value", "key"),
    call("client_state_repo.clear_values"),
    call("image_move_repo.get_image_move_status"),
    call("image_move_repo.start_image_move"),
    call("image_move_repo.recover_image_move"),
    call("image_move_repo.wait_for_image_move", timeout=1),
    call(
        "recall_repo.send_parameters",
        {
            "model": "Dream",
            "steps": 20,
            "loras": [{"model_name": "x"}],
            "control_layers": [{"model_name": "x", "control_mode": "balanced"}],
            "ip_adapters": [{"model_name": "x", "method": "full"}],
            "reference_images": [{"image_name": "a.png"}],
        },
        append=True,
    ),
    call("recall_repo.get_recall_status"),
]

CALLS = [
    # What a call says itself goes before what all have in common.
    sample.but(replies={**ANSWERS, **sample.replies})
    for sample in (*WORKFLOWS, *PRESETS, *PROMPTS, *REST)
]
