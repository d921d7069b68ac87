"""Every talk: what is compared with a real server."""

from __future__ import annotations

import conversation
import library_talks

TALKS = (*conversation.TALKS, *library_talks.TALKS)
