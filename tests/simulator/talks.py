"""Every talk: what is compared with a real server."""

from __future__ import annotations

import conversation
import library_talks
import media_talks
from batch_calls_talk import talk_about_called_batches
from kinds_talk import talk_about_kinds
from model_talk import talk_about_models

TALKS = (
    *conversation.TALKS,
    *library_talks.TALKS,
    *media_talks.TALKS,
    talk_about_kinds,
    talk_about_called_batches,
    talk_about_models,
)
