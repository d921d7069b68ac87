"""Sample calls of `app_repo`, `prompt_repo` and `node_pack_repo`."""

from contract.calls import call
from contract.calls.models import KEY
from invokeai_py_client.exceptions import NodePackError

DONE = {"name": "pack", "success": True, "message": "ok"}

CALLS = [
    call("app_repo.get_version"),
    call("app_repo.get_dependencies").answered(
        {"GET /api/v1/app/app_deps": {"torch": "2.7.1"}}
    ),
    call("app_repo.is_patchmatch_available"),
    call("app_repo.list_devices"),
    call("app_repo.get_runtime_config"),
    call(
        "app_repo.update_runtime_config",
        image_subfolder_strategy="date",
        generation_devices=["cuda:0"],
        max_queue_history=None,
    ),
    call("app_repo.update_runtime_config", generation_devices="auto"),
    call("app_repo.list_external_provider_statuses"),
    call("app_repo.list_external_providers"),
    call("app_repo.set_external_provider", "openai", api_key="", base_url="http://x"),
    call("app_repo.reset_external_provider", "openai"),
    call("app_repo.get_log_level"),
    call("app_repo.set_log_level", "debug"),
    call("app_repo.get_invocation_cache"),
    call("app_repo.clear_invocation_cache"),
    call("app_repo.enable_invocation_cache"),
    call("app_repo.disable_invocation_cache"),
    call("app_repo.list_fonts"),
    call("app_repo.get_font", "folder/a font.ttf").answered(
        {"GET /api/v1/utilities/fonts/{font_path}": b"font"}
    ),
    call("prompt_repo.expand_dynamic_prompt", "a {red|blue} house"),
    call(
        "prompt_repo.expand_dynamic_prompt",
        "a house",
        max_prompts=3,
        combinatorial=False,
        seed=7,
    ),
    call("prompt_repo.expand_prompt", "a house", model=KEY),
    call(
        "prompt_repo.expand_prompt",
        "a house",
        model=KEY,
        max_tokens=20,
        system_prompt="be short",
        seed=7,
        task_id="mine",
    ),
    call("prompt_repo.describe_image", "a.png", model=KEY),
    call(
        "prompt_repo.describe_image",
        "a.png",
        model=KEY,
        instruction="why?",
        task_id="mine",
    ),
    call("node_pack_repo.get_node_packs"),
    call("node_pack_repo.install_node_pack", "http://host/pack.git").answered(
        {"POST /api/v2/custom_nodes/install": DONE}
    ),
    call("node_pack_repo.install_node_pack", "http://host/pack.git").but(
        raises=NodePackError
    ),
    call("node_pack_repo.uninstall_node_pack", "pack").answered(
        {"DELETE /api/v2/custom_nodes/{pack_name}": DONE}
    ),
    call("node_pack_repo.reload_node_packs").answered(
        {"POST /api/v2/custom_nodes/reload": {"status": "ok"}}
    ),
]
