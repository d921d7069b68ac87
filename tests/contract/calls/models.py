"""Sample calls of `model_repo` and of what it returns."""

from media_files import PNG

from contract.calls import Call, Local, call
from contract.recording import Answers
from invokeai_py_client._aio.model_install import AsyncModelInstallJob
from invokeai_py_client._arguments import KnownId
from invokeai_py_client.exceptions import ModelError
from invokeai_py_client.model.model_install import ModelInstallJob
from invokeai_py_client.model.models import ModelInstall, OrphanedModel

KEY = "11111111-2222-3333-4444-555555555555"
OTHER = "66666666-7777-8888-9999-aaaaaaaaaaaa"
RECORD = {
    "key": "key",
    "hash": "blake3:a",
    "name": "Dream",
    "base": "sd-1",
    "type": "main",
    "format": "checkpoint",
    "description": None,
}
JOB = {
    "id": 3,
    "source": {"type": "local", "path": "/m"},
    "local_path": "/m",
    "status": "completed",
    "config_out": RECORD,
}
RUNNING = {**JOB, "status": "running", "config_out": None}

LIST = {"GET /api/v2/models/": {"models": [RECORD]}}
ONE = {
    "GET /api/v2/models/i/{key}": RECORD,
    "PATCH /api/v2/models/i/{key}": RECORD,
    "GET /api/v2/models/get_by_hash": RECORD,
    "GET /api/v2/models/get_by_attrs": RECORD,
    "POST /api/v2/models/i/{key}/reidentify": RECORD,
    "PUT /api/v2/models/convert/{key}": RECORD,
}
NO_COVER = {"GET /api/v2/models/i/{key}/image": (500, {"detail": "gone"})}


def install(client):
    asynchronous = "Async" in type(client._runner).__name__
    kind = AsyncModelInstallJob if asynchronous else ModelInstallJob
    return kind(client._runner, ModelInstall.model_validate(RUNNING))


def job(method, *args, **kwargs):
    return Call(f"ModelInstallJob.{method}", args, kwargs, on=install)


CALLS = [
    call("model_repo.list_models").answered(LIST),
    call(
        "model_repo.list_models",
        base=["sd-1", "sdxl"],
        type="main",
        format="checkpoint",
        name="Dream",
        order_by="size",
        descending=True,
    ).answered(LIST),
    call("model_repo.list_models", base="sdxl").answered(LIST),
    call("model_repo.list_missing_models").answered(
        {"GET /api/v2/models/missing": {"models": [RECORD]}}
    ),
    call("model_repo.get_model", KnownId("a key/with ü")).answered(ONE),
    call("model_repo.get_model_by_hash", "blake3:a").answered(ONE),
    call(
        "model_repo.get_model_by_attributes", name="Dream", type="main", base="sd-1"
    ).answered(ONE),
    call("model_repo.find_model", "dream").answered(LIST),
    call("model_repo.get_any_model", "dream", base="sd-1").answered(LIST),
    call("model_repo.search_models", "dream", base="sd-1").answered(LIST),
    call("model_repo.get_model", "dream").answered(LIST),
    call("model_repo.install_model", "owner/name"),
    call(
        "model_repo.install_model",
        "/folder/model.safetensors",
        name="Dream",
        config={"description": "mine"},
        move=True,
        access_token="secret",
    ),
    call("model_repo.list_installs"),
    call("model_repo.get_install", 3),
    call("model_repo.prune_installs"),
    call("model_repo.update_model", KEY, name="New", description=None).answered(ONE),
    call("model_repo.update_model", KEY, default_settings={"steps": 3}).but(
        raises=ModelError, replies=ONE
    ),
    call("model_repo.reidentify_model", KEY).answered(ONE),
    call("model_repo.reidentify_models", [KEY, OTHER]),
    call("model_repo.convert_model", KEY).answered(ONE),
    call("model_repo.delete_model", KEY),
    call("model_repo.delete_models", [KEY, OTHER]),
    call("model_repo.get_starter_models"),
    call("model_repo.scan_folder", "/models"),
    call("model_repo.get_huggingface_repository", "owner/name"),
    call("model_repo.get_huggingface_token"),
    call("model_repo.set_huggingface_token", "secret"),
    call("model_repo.delete_huggingface_token"),
    call("model_repo.get_cover_image", KEY).answered(
        {"GET /api/v2/models/i/{key}/image": PNG}
    ),
    call("model_repo.set_cover_image", KEY, Local.PICTURE),
    call("model_repo.delete_cover_image", KEY),
    call("model_repo.list_related_model_keys", KEY),
    call("model_repo.list_related_model_keys", [KEY, OTHER]),
    call("model_repo.relate_models", KEY, OTHER),
    call("model_repo.unrelate_models", KEY, OTHER),
    call("model_repo.find_model_cache_stats"),
    call("model_repo.empty_model_cache"),
    call("model_repo.list_orphaned_models"),
    call("model_repo.delete_orphaned_models", ["a", OrphanedModel(path="b")]),
    job("get_status"),
    job("wait").answered({"GET /api/v2/models/install/{id}": Answers([RUNNING, JOB])}),
    job("watch").answered({"GET /api/v2/models/install/{id}": Answers([RUNNING, JOB])}),
    job("pause"),
    job("resume"),
    job("restart_failed"),
    job("restart_file", "http://host/file"),
    job("cancel"),
]
