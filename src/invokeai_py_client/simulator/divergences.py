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
        "style presets and system prompts that come with the server",
        "eighteen and eight",
        "three and two of its own",
    ),
    Divergence(
        "packages of `app_deps`",
        "all that are installed",
        "those that matter, in the versions of one real server",
    ),
    Divergence(
        "custom node packs",
        "are cloned with git and imported; their nodes run",
        "are copied from a repository on the same machine and read: their nodes "
        "are listed, not run; other addresses cannot be reached",
    ),
    Divergence(
        "prompts written by language models",
        "are generated",
        "are one sentence with the given prompt in it",
    ),
    Divergence(
        "weights of WOFF2 fonts",
        "are read from the file",
        "are guessed from its names",
    ),
    Divergence(
        "downloads of models and the HuggingFace log-in",
        "work",
        "fail as on a server without internet",
    ),
    Divergence(
        "conversion of a single-file model",
        "works",
        "fails (500): there are no weights to convert",
    ),
    Divergence(
        "what the files of a model are",
        "is told of some 120 kinds",
        "is told of SD-1, SD-2 and SDXL: pipelines, checkpoints, VAEs, LoRAs, "
        "ControlNets and adapters in folders, embeddings and text encoders; the rest "
        "is `unknown`, as is every file that would have to be unpickled",
    ),
    Divergence(
        "hashes of models",
        "BLAKE3",
        "BLAKE2 under the same name: equal files have equal hashes, but others than "
        "on the real server",
    ),
    Divergence(
        "models given by `models=`",
        "need files",
        "have none, are never missing, and stay what they are when identified again",
    ),
    Divergence(
        "statistics of the model cache",
        "are there once a model was loaded",
        "are never there: nothing is loaded",
    ),
    Divergence(
        "descriptions of starter models",
        "are written for people",
        "name model, type and base",
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
