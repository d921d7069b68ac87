"""The models a simulated server pretends to have installed."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Optional

from .database import Database

Config = dict[str, Any]


def model_record(
    name: str,
    *,
    base: str,
    type: str,
    format: str = "diffusers",
    key: Optional[str] = None,
    **extra: Any,
) -> Config:
    """A model record as the API shows it.

    Args:
        name: What users call it.
        base: Such as `sd-1`, `sdxl`, `flux`.
        type: Such as `main`, `vae`, `lora`.
        format: Such as `diffusers`, `checkpoint`, `lycoris`.
        key: Its id; by default one that is the same for the same name, base and type.
        **extra: Further fields, or other values for those above.

    Returns:
        The record, for `SimulatedServer(models=[...])`.
    """
    identity = uuid.uuid5(uuid.NAMESPACE_URL, f"simulated/{base}/{type}/{name}")
    slug = name.lower().replace(" ", "-")
    record: Config = {
        "key": key or str(identity),
        "hash": f"blake3:{identity.hex}{identity.hex}",
        "path": f"{base}/{type}/{slug}",
        "file_size": 1_048_576,
        "name": name,
        "description": f"Simulated {type} model",
        "source": f"/models/{slug}",
        "source_type": "path",
        "source_api_response": None,
        "source_url": None,
        "cover_image": None,
        "trigger_phrases": None,
        "default_settings": None,
        "type": type,
        "format": format,
        "base": base,
    }
    if type == "main":
        record.update(variant="normal", prediction_type="epsilon", repo_variant="")
    record.update(extra)
    return record


def default_models() -> list[Config]:
    """The models of a simulated server that was given none."""
    return [
        model_record("Simulated SD 1.5", base="sd-1", type="main"),
        model_record("Simulated SDXL", base="sdxl", type="main"),
        model_record("Simulated FLUX", base="flux", type="main", format="checkpoint"),
        model_record("Simulated SD VAE", base="sd-1", type="vae"),
        model_record("Simulated SDXL VAE", base="sdxl", type="vae"),
        model_record(
            "Simulated FLUX VAE", base="flux", type="vae", format="checkpoint"
        ),
        model_record("Simulated Style", base="sd-1", type="lora", format="lycoris"),
        model_record("Simulated XL Style", base="sdxl", type="lora", format="lycoris"),
        model_record("Simulated Canny", base="sd-1", type="controlnet"),
        model_record(
            "Simulated Upscaler",
            base="any",
            type="spandrel_image_to_image",
            format="checkpoint",
        ),
        model_record("Simulated CLIP-L", base="any", type="clip_embed"),
        model_record(
            "Simulated T5", base="any", type="t5_encoder", format="t5_encoder"
        ),
    ]


class Models:
    """The model records of one server."""

    def __init__(
        self, database: Database, given: Optional[Sequence[Mapping[str, Any]]]
    ) -> None:
        self._database = database
        if not self._database.value("SELECT count(*) FROM models"):
            for config in default_models() if given is None else given:
                self.add(config)

    def add(self, config: Mapping[str, Any]) -> Config:
        """Install a record; one with the same key is replaced."""
        stored = dict(config)
        stored.setdefault("key", str(uuid.uuid4()))
        position = self._database.value("SELECT count(*) FROM models")
        self._database.run("DELETE FROM models WHERE key = ?", (stored["key"],))
        self._database.insert(
            "models",
            {
                "key": stored["key"],
                "config": json.dumps(stored),
                "position": position,
            },
        )
        return stored

    def all(self) -> Iterable[Config]:
        """Every record, in the order of installation."""
        rows = self._database.all("SELECT config FROM models ORDER BY position")
        return [json.loads(row["config"]) for row in rows]

    def find(self, key: str) -> Optional[Config]:
        """The record with a key; None if there is none."""
        text = self._database.value("SELECT config FROM models WHERE key = ?", (key,))
        return None if text is None else json.loads(text)

    def matching(self, **wanted: Any) -> list[Config]:
        """The records whose fields have these values; None and empty match all."""
        return [
            config
            for config in self.all()
            if all(
                config.get(key) in (value if isinstance(value, list) else [value])
                for key, value in wanted.items()
                if value
            )
        ]

    def change(self, key: str, changes: Mapping[str, Any]) -> Config:
        """Change fields of a record; fields that it does not have are ignored.

        Raises:
            LookupError: No model has this key.
        """
        config = self.find(key)
        if config is None:
            raise LookupError(f"Unknown model {key}")
        config.update({k: v for k, v in changes.items() if k in config})
        self._database.run(
            "UPDATE models SET config = ? WHERE key = ?", (json.dumps(config), key)
        )
        return config

    def remove(self, key: str) -> bool:
        """Uninstall a model; False when there was none."""
        return self._database.run("DELETE FROM models WHERE key = ?", (key,)) > 0
