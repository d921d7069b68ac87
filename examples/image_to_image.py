"""Image to image: a file of this machine is uploaded, repainted and saved.

    INVOKEAI_URL=http://localhost:9090 python image_to_image.py images photo.jpg

Without a photo it paints a simple one. The same file is uploaded once, however often
it is used.
"""

import os
import sys
from pathlib import Path

from PIL import Image, ImageDraw

from invokeai_py_client import InvokeAIClient

OUT = Path(sys.argv[1] if sys.argv[1:] else "images")
SIZE, STEPS = int(os.environ.get("SIZE", "512")), int(os.environ.get("STEPS", "20"))
FILE = Path(__file__).parent / "workflows" / "image-to-image.json"


def paint(path: Path) -> Path:
    """A lighthouse, as a child would paint it."""
    image = Image.new("RGB", (512, 512), "#87b5d9")
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 360, 512, 512), fill="#2b5a83")
    draw.polygon([(220, 380), (240, 140), (280, 140), (300, 380)], fill="#f4f1ea")
    draw.rectangle((232, 100, 288, 140), fill="#c0392b")
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)
    return path


photo = Path(sys.argv[2]) if sys.argv[2:] else paint(OUT / "painted.png")

with InvokeAIClient() as client:
    workflow = client.workflow_repo.load(FILE)
    workflow.set_inputs(
        model=client.model_repo.get_any_model(base="sd-1", type="main"),
        image=photo,  # also: bytes, a Pillow image, an image of the server, a result
        positive_prompt="a lighthouse at dawn, oil painting",
        width=SIZE,
        height=SIZE,
        steps=STEPS,
    )
    for kept in (0.2, 0.5, 0.8):
        result = workflow.run(denoising_start=kept, seed=7)
        print(result.image.save(OUT / f"repainted-{kept}.png"))
