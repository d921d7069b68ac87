"""Nodes that take and make videos: right in numbers, without pixels."""

from __future__ import annotations

import math
from typing import Any, Optional

from ..media.placeholder import placeholder
from .node_api import Fields, implements
from .node_context import Context
from .stand_ins import gather_facts, load_models

_USUAL_FPS = 16.0  # that of the Wan models
_LATENT_FRAMES = 4  # frames per latent frame


@implements("video")
def _video(node: Any, context: Context) -> Fields:
    return context.video_fields(node.video)


@implements("video_frame_extract")
def _frame(node: Any, context: Context) -> Fields:
    video = context.video_fields(node.video)
    index = _resolved(node.frame_index, video, "frame_index")
    facts = {"video": f"frame {index} of {node.video.video_name}"}
    return context.save_image(placeholder(facts, video["width"], video["height"]))


@implements("extract_video_range")
def _range(node: Any, context: Context) -> Fields:
    video = context.video_fields(node.video)
    start = _resolved(node.start_frame, video, "start_frame")
    end = _resolved(node.end_frame, video, "end_frame")
    if end < start:
        raise ValueError(
            f"end_frame ({node.end_frame} → {end}) must be >= start_frame "
            f"({node.start_frame} → {start}) after resolving negative indices."
        )
    fps = float(node.fps or video["fps"] or _USUAL_FPS)
    context.progress(
        f"Transcoding frames {start}-{end} of {video['num_frames']} @ {fps:.2f} fps"
    )
    saved = context.save_video(_size(video), end - start + 1, fps)
    return {**saved, "start_frame": start, "end_frame": end}


def _size(video: Fields) -> tuple[int, int]:
    return video["width"], video["height"]


def _resolved(value: int, video: Fields, field: str) -> int:
    frames = video["num_frames"]
    index: int = value + frames if value < 0 else value
    if not 0 <= index < frames:
        raise ValueError(f"{field}={value} is out of range for a {frames}-frame video.")
    return index


@implements("video_concat")
def _join(node: Any, context: Context) -> Fields:
    if len(node.videos) < 2:
        raise ValueError("video_concat requires at least two input videos.")
    clips = [context.video_fields(reference) for reference in node.videos]
    sizes = {_size(clip) for clip in clips}
    if len(sizes) > 1:
        raise ValueError(
            f"All inputs must share the same dimensions. Got: {sorted(sizes)}. "
            "Re-render at a single resolution before concatenating."
        )
    fps = _common_fps(node.fps, [clip["fps"] for clip in clips])
    context.progress(
        f"Joining {len(clips)} clip(s) ({node.transition}) @ {fps:.2f} fps"
    )
    # A crossfade uses frames of both sides up.
    lost = node.transition_frames if node.transition == "crossfade" else 0
    frames = sum(clip["num_frames"] for clip in clips) - lost * (len(clips) - 1)
    if frames < 1:
        raise ValueError("Lower transition_frames or use longer clips.")
    return context.save_video(sizes.pop(), frames, fps)


def _common_fps(wanted: Optional[int], rates: list[float]) -> float:
    if wanted is not None:
        return float(wanted)
    if any(not math.isclose(rate, rates[0], rel_tol=1e-3) for rate in rates):
        raise ValueError(
            "Input videos have different frame rates; set Output FPS to retime them."
        )
    return rates[0] or _USUAL_FPS


@implements("wan_l2v")
def _decoded(node: Any, context: Context) -> Fields:
    """As long and as large as what would have been generated."""
    facts = gather_facts(node, context)
    load_models(node, context)
    context.progress("Running Wan VAE decode (video)")
    wanted = int(facts.get("num_frames") or 1)
    frames = (wanted - 1) // _LATENT_FRAMES * _LATENT_FRAMES + 1
    width, height = (
        int(facts.get(side) or 512) // 2 * 2 for side in ("width", "height")
    )
    context.progress(f"Encoding MP4 ({frames} frames @ {node.fps} fps)")
    return context.save_video((width, height), frames, float(node.fps))
