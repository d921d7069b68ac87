"""Every route, registered by being imported here."""

from __future__ import annotations

from . import (
    routes_app,
    routes_auth,
    routes_boards,
    routes_client_state,
    routes_control,
    routes_fonts,
    routes_image_moves,
    routes_images,
    routes_language,
    routes_models,
    routes_node_packs,
    routes_presets,
    routes_queue,
    routes_recall,
    routes_settings,
    routes_system_prompts,
    routes_upload,
    routes_workflows,
)

__all__ = [
    "routes_app",
    "routes_auth",
    "routes_boards",
    "routes_client_state",
    "routes_control",
    "routes_fonts",
    "routes_image_moves",
    "routes_images",
    "routes_language",
    "routes_models",
    "routes_node_packs",
    "routes_presets",
    "routes_queue",
    "routes_recall",
    "routes_settings",
    "routes_system_prompts",
    "routes_upload",
    "routes_workflows",
]
