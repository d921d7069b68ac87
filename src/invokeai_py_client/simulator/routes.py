"""Every route, registered by being imported here."""

from __future__ import annotations

from .api_gallery import (  # noqa: F401
    routes_boards,
    routes_gallery,
    routes_images,
    routes_media,
    routes_upload,
    routes_videos,
)
from .api_program import (  # noqa: F401
    routes_app,
    routes_auth,
    routes_client_state,
    routes_control,
    routes_fixed,
    routes_model_installs,
    routes_models,
)
from .api_workflows import (  # noqa: F401
    routes_language,
    routes_presets,
    routes_queue,
    routes_system_prompts,
    routes_workflows,
)
