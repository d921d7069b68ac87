"""Nodes that take and make videos: right in numbers, with pictures that stand still."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Optional

from .execution import Context, Fields, implements
from .fallback import gather_facts, load_models
from .mp4 import VideoFacts, read_video
from .placeholder import placeholder
from .videos import picture_of

if TYPE_CHECKING:
    from PIL import Image

_USUAL_FPS = 16.0  # that of the Wan models
_TRANSITION_MEMORY = 512 * 1024 * 1024
_WORKING_FRAMES = 13  # that the real server reckons with beside the buffered ones
_LATENT_FRAMES = 4  # pictures per latent frame


@implements("video")
def _video(node: Any, context: Context) -> Fields:
    fields = context.video_fields(node.video)
    facts = read_video(context.open_video(node.video))
    return {**fields, "num_frames": facts.frames}


def _picture(context: Context, reference: Any) -> tuple[Image.Image, VideoFacts]:
    data = context.open_video(reference)
    facts = read_video(data)
    return picture_of(data, (facts.width, facts.height)), facts


@implements("video_frame_extract")
def _frame(node: Any, context: Context) -> Fields:
    picture, facts = _picture(context, node.video)
    index = node.frame_index
    if index < 0:
        index += facts.frames
        if index < 0:
            raise ValueError(
                f"frame_index {node.frame_index} is out of range for a "
                f"{facts.frames}-frame video."
            )
    if index >= facts.frames:
        raise ValueError(
            f"Failed to extract frame {index} from {node.video.video_name}."
        )
    return context.save_image(picture)


@implements("extract_video_range")
def _range(node: Any, context: Context) -> Fields:
    picture, facts = _picture(context, node.video)
    start = _resolved(node.start_frame, facts.frames, "start_frame")
    end = _resolved(node.end_frame, facts.frames, "end_frame")
    if end < start:
        raise ValueError(
            f"end_frame ({node.end_frame} → {end}) must be >= start_frame "
            f"({node.start_frame} → {start}) after resolving negative indices."
        )
    fps = float(node.fps or facts.fps or _USUAL_FPS)
    if facts.width % 2 or facts.height % 2:
        raise ValueError(
            f"Video {node.video.video_name} is {facts.width}x{facts.height}; H.264 "
            "encoding requires even dimensions. Re-encode or crop the source to even "
            "width and height first."
        )
    context.progress(
        f"Transcoding frames {start}-{end} of {facts.frames} @ {fps:.2f} fps"
    )
    saved = context.save_video(picture, end - start + 1, fps)
    return {**saved, "start_frame": start, "end_frame": end}


def _resolved(value: int, frames: int, field: str) -> int:
    index = value + frames if value < 0 else value
    if not 0 <= index < frames:
        raise ValueError(f"{field}={value} is out of range for a {frames}-frame video.")
    return index


@implements("video_concat")
def _join(node: Any, context: Context) -> Fields:
    if len(node.videos) < 2:
        raise ValueError("video_concat requires at least two input videos.")
    found = [_picture(context, reference) for reference in node.videos]
    clips = [facts for _, facts in found]
    _check_sizes(clips)
    _check_memory(node, clips[0])
    fps = _common_fps(node.fps, [clip.fps for clip in clips])
    context.progress(
        f"Joining {len(clips)} clip(s) ({node.transition}) @ {fps:.2f} fps"
    )
    return context.save_video(found[0][0], _joined_length(node, clips), fps)


def _check_sizes(clips: list[VideoFacts]) -> None:
    sizes = {(clip.width, clip.height) for clip in clips}
    if len(sizes) > 1:
        raise ValueError(
            f"All inputs must share the same dimensions. Got: {sorted(sizes)}. "
            "Re-render at a single resolution before concatenating."
        )
    width, height = sizes.pop()
    if width % 2 or height % 2:
        raise ValueError(
            f"Input videos are {width}x{height}; H.264 encoding requires even "
            "dimensions. Re-encode or crop the sources to even width and height first."
        )


def _check_memory(node: Any, clip: VideoFacts) -> None:
    if node.transition == "cut" or not node.transition_frames:
        return
    kept = node.transition_frames * (2 if node.transition == "crossfade" else 1)
    needed = clip.width * clip.height * 3 * (kept + _WORKING_FRAMES)
    if needed > _TRANSITION_MEMORY:
        raise ValueError(
            f"The requested transition needs an estimated {needed / 2**20:.0f} MiB, "
            f"which exceeds the {_TRANSITION_MEMORY / 2**20:.0f} MiB transition memory "
            "budget. Lower transition_frames or use lower-resolution clips."
        )


def _common_fps(wanted: Optional[int], rates: list[Optional[float]]) -> float:
    if wanted is not None:
        return float(wanted)
    known = [rate for rate in rates if rate]
    if not known:
        return _USUAL_FPS
    if any(not math.isclose(rate, known[0], rel_tol=1e-3) for rate in known[1:]):
        raise ValueError(
            "Input videos have different frame rates; set Output FPS to retime them."
        )
    return known[0]


def _joined_length(node: Any, clips: list[VideoFacts]) -> int:
    """How many frames the joined video has; a crossfade uses some of both sides up."""
    tail, head, lost = 0, 0, 0
    if node.transition == "crossfade":
        tail = head = lost = node.transition_frames
    elif node.transition == "fade_through_black":
        tail = node.transition_frames // 2
        head = node.transition_frames - tail
    last = len(clips) - 1
    for number, clip in enumerate(clips):
        first, behind = (head if number else 0), (tail if number < last else 0)
        if clip.frames < first + behind:
            raise ValueError(
                f"Clip {number} has {clip.frames} frames but the requested transitions "
                f"need {first} from its head + {behind} from its tail. Lower "
                "transition_frames or use longer clips."
            )
    return sum(clip.frames for clip in clips) - lost * last


@implements("wan_l2v")
def _decoded(node: Any, context: Context) -> Fields:
    """What would have been generated: as long as the noise was, and a placeholder."""
    facts = gather_facts(node, context)
    load_models(node, context)
    context.progress("Running Wan VAE decode (video)")
    wanted = int(facts.get("num_frames") or 1)
    frames = (wanted - 1) // _LATENT_FRAMES * _LATENT_FRAMES + 1
    width, height = (
        int(facts.get(side) or 512) // 2 * 2 for side in ("width", "height")
    )
    context.progress(f"Encoding MP4 ({frames} frames @ {node.fps} fps)")
    return context.save_video(
        placeholder(facts, width, height), frames, float(node.fps)
    )
