"""The settings of the program, as `invokeai.yaml` and `api_keys.yaml` hold them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Optional, Union

from .database import Database
from .settings import Settings

PROVIDERS = ("alibabacloud", "gemini", "openai", "seedream")
"""The paid services that can be configured."""

_SHOWN_SECRET = "*" * 10
_STORED = "app_config"

# Of 6.14.2, in its order.
_DEFAULTS: dict[str, Any] = {
    "schema_version": "4.0.3", "legacy_models_yaml_path": None,
    "host": "127.0.0.1", "port": 9090, "allow_origins": [],
    "allow_credentials": True, "allow_methods": ["*"], "allow_headers": ["*"],
    "ssl_certfile": None, "ssl_keyfile": None, "base_url": None,
    "forwarded_allow_ips": "127.0.0.1", "http_compression_level": 9,
    "log_tokenization": False, "patchmatch": True,
    "models_dir": "models", "convert_cache_dir": "models/.convert_cache",
    "download_cache_dir": "models/.download_cache", "legacy_conf_dir": "configs",
    "db_dir": "databases", "outputs_dir": "outputs", "fonts_dir": "fonts",
    "image_subfolder_strategy": "flat", "custom_nodes_dir": "nodes",
    "style_presets_dir": "style_presets",
    "workflow_thumbnails_dir": "workflow_thumbnails",
    "log_handlers": ["console"], "log_format": "color", "log_level": "info",
    "log_sql": False, "log_level_network": "warning", "use_memory_db": False,
    "dev_reload": False, "profile_graphs": False, "profile_prefix": None,
    "profiles_dir": "profiles", "max_cache_ram_gb": None, "max_cache_vram_gb": None,
    "log_memory_usage": False, "model_cache_keep_alive_min": 0.0,
    "device_working_mem_gb": 3.0, "enable_partial_loading": True,
    "keep_ram_copy_of_weights": True, "ram": None, "vram": None,
    "lazy_offload": True, "pytorch_cuda_alloc_conf": None, "device": "auto",
    "generation_devices": "auto", "offload_text_encoders_to_idle_gpus": True,
    "precision": "auto", "sequential_guidance": False,
    "wan_memory_optimization": False, "pid_memory_optimization": False,
    "attention_type": "auto", "attention_slice_size": "auto",
    "force_tiled_decode": False, "pil_compress_level": 1, "max_queue_size": 10000,
    "session_queue_mode": "round_robin", "clear_queue_on_startup": False,
    "max_queue_history": None, "allow_nodes": None, "deny_nodes": None,
    "node_cache_size": 512, "hashing_algorithm": "blake3_single",
    "remote_api_tokens": None, "scan_models_on_startup": False,
    "allow_private_download_urls": False, "download_proxy": None,
    "unsafe_disable_picklescan": False, "allow_unknown_models": True,
    "multiuser": False, "strict_password_checking": False,
    "external_alibabacloud_api_key": None, "external_alibabacloud_base_url": None,
    "external_gemini_api_key": None, "external_openai_api_key": None,
    "external_gemini_base_url": None, "external_openai_base_url": None,
    "external_seedream_api_key": None, "external_seedream_base_url": None,
}  # fmt: skip


class AppConfig:
    """The settings of one server: defaults, how it was started, what was changed."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        given = {
            "device": "cpu",
            "precision": "float32",
            "multiuser": settings.multiuser,
            "strict_password_checking": settings.strict_passwords,
            "max_queue_size": settings.max_queue_size,
            "node_cache_size": settings.cache_size,
        }
        started = {key: v for key, v in given.items() if v != _DEFAULTS[key]}
        self._kept: dict[str, Any] = json.loads(database.setting(_STORED) or "{}")
        self._values = {**_DEFAULTS, **started, **self._kept}
        self._set = {"legacy_models_yaml_path", "port", *started, *self._kept}

    def value(self, key: str) -> Any:
        """A setting, secrets included."""
        return self._values[key]

    def shown(self, port: Optional[int]) -> dict[str, Any]:
        """All settings as the API shows them, and which were set."""
        config = dict(self._values)
        if port is not None:
            config["port"] = port
        for key, value in config.items():
            if key.endswith("_api_key") and value:
                config[key] = _SHOWN_SECRET
        return {"set_fields": sorted(self._set), "config": config}

    def change(self, changes: Mapping[str, Any]) -> None:
        """Set settings for now and for later starts."""
        for key, value in changes.items():
            if value != self._values[key]:
                self._values[key] = value
                self._set.add(key)
            # Defaults are not written to the file.
            if value == _DEFAULTS[key]:
                self._kept.pop(key, None)
            else:
                self._kept[key] = value
        self._database.keep_setting(_STORED, json.dumps(self._kept))

    def provider(self, provider_id: str) -> dict[str, Any]:
        """How a paid service is configured, without its key."""
        return {
            "provider_id": provider_id,
            "api_key_configured": bool(self.value(f"external_{provider_id}_api_key")),
            "base_url": self.value(f"external_{provider_id}_base_url"),
        }


def missing_device(devices: Union[str, list[str]]) -> Optional[str]:
    """What is wrong with devices of which only the CPU is there; None if nothing is."""
    for device in () if isinstance(devices, str) else devices:
        kind = re.match("[a-z]*", device)
        asked = f"generation_devices requested '{device}', but"
        if kind is not None and kind.group() in ("cuda", "xpu"):
            return f"{asked} no {kind.group().upper()} device is available."
        if device == "mps":
            return f"{asked} MPS is not available."
    return None
