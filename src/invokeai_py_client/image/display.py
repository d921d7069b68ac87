"""How an image shows itself in a notebook."""

from __future__ import annotations

import logging
from typing import Optional

from invokeai_py_client.exceptions import InvokeAIError
from invokeai_py_client.image.media import IMAGE
from invokeai_py_client.image.media_flows import get_bytes
from invokeai_py_client.image.models import ImageBase

__all__ = ["display_png"]

logger = logging.getLogger("invokeai_py_client")


def display_png(image: ImageBase) -> Optional[bytes]:
    """The PNG for a notebook; None, never an error, when it cannot be had."""
    runner = image._bound_runner
    if runner is None:
        return None
    try:
        content: bytes = runner.run(get_bytes(IMAGE, image.image_name))
    except (InvokeAIError, OSError) as error:
        logger.debug("cannot show image %s: %s", image.image_name, error)
        return None
    return content
