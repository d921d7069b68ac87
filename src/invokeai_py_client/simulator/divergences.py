"""Where the simulator is known to differ from a real 6.14.2 server.

`docs/dev/simulator.md` lists them, and the congruence tests leave them out. What is not
named here is meant to be the same; a difference that is found is a bug.
"""

from __future__ import annotations

from dataclasses import dataclass

PIXEL_TOLERANCE = 1
"""How far a pixel value may be from the real server's, of 255."""


@dataclass(frozen=True)
class Divergence:
    """One known difference.

    Attributes:
        what: Where it shows.
        real: What the real server does.
        simulated: What the simulator does.
    """

    what: str
    real: str
    simulated: str


DIVERGENCES = (
    Divergence(
        "nodes that need a model",
        "load it and compute",
        "pass typed stand-ins on; decoders draw a labelled placeholder",
    ),
    Divergence(
        "nodes that no implementation knows",
        "compute",
        "return an output of the declared type and log a warning once per type",
    ),
    Divergence(
        "batch values that their field cannot take",
        "are stored and block every queue until they are cancelled",
        "are refused with 422 (`poison='refuse'`); 'imitate' does as the real one",
    ),
    Divergence(
        "an edge that breaks the rule of a node class (a range fed a start behind its "
        "end)",
        "the worker dies; nothing runs until the server is restarted",
        "the job fails with NodeInputError (`poison='refuse'`); 'imitate' does as the "
        "real one",
    ),
    Divergence(
        "the order of nodes of one class that are ready together",
        "random, other in every process",
        "the order of the graph",
    ),
    Divergence(
        "fixed cost of a job",
        "about 0.6 s of garbage collection",
        "none, unless `job_delay` asks for it",
    ),
    Divergence(
        "openapi.json",
        "every route and class",
        "the node and output classes with all they refer to; no paths",
    ),
    Divergence(
        "color_map and resize_to",
        "OpenCV's resampling",
        "the same filters in numpy and Pillow; a pixel may be one value off",
    ),
    Divergence(
        "img_nsfw and img_watermark",
        "check and mark the picture",
        "save it unchanged",
    ),
    Divergence(
        "dynamic prompts, drawn at random",
        "the library's own draws",
        "another generator: the same seed gives other prompts than the real server",
    ),
    Divergence(
        "style presets, recall parameters, model conversion and downloads",
        "work",
        "are not there: unknown paths answer as on any server",
    ),
    Divergence(
        "pictures of videos",
        "are decoded and encoded by ffmpeg",
        "thumbnails and frames of uploaded videos are labelled placeholders; a video "
        "made by a node is an MP4 of one picture that stands still",
    ),
    Divergence(
        "fragmented MP4 files",
        "are taken",
        "are refused as unreadable (415)",
    ),
    Divergence(
        "passwords",
        "are hashed slowly",
        "are hashed once",
    ),
)
