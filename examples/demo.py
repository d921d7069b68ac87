"""A workflow run from Python: its inputs, its progress, its images, a contact sheet.

    python demo.py           # on a simulated server: placeholders, in seconds
    python demo.py --live    # on a real InvokeAI, installed the first time

Both run `workflows/portrait.json`, a workflow as InvokeAI's editor exports it. The
simulated server draws what a real one would have been asked for; the real one gets a
tiny model with random weights, so its images are noise. `make demo` and
`make demo-live` run this.
"""

import sys
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from invokeai_py_client import InvokeAIClient

WORKFLOW = Path(__file__).parent / "workflows" / "portrait.json"
OUT = Path("demo-output")
PROMPTS = (
    "a lighthouse at dawn, soft light",
    "a fox in fresh snow",
    "a tea house in the rain",
)
SEEDS = (7, 8)


def say(text: str = "") -> None:
    print(text, flush=True)


def main() -> None:
    if "--live" in sys.argv[1:]:
        from invokeai_py_client.server import LocalServer

        with LocalServer(report=say) as server:
            model, *_ = server.install_tiny_models()
            demonstrate(server.url, model, size=64, steps=2)
    else:
        from invokeai_py_client.simulator import SimulatedServer

        # A step takes its time, as on a graphics card; without this it takes none.
        with SimulatedServer(step_delay=0.02) as server:
            demonstrate(server.url, "Simulated SD 1.5", size=384, steps=20)


def demonstrate(url: str, model: str, size: int, steps: int) -> None:
    with InvokeAIClient.from_url(url) as client:
        say(f"InvokeAI {client.server_version()} at {url}\n")
        workflow = client.workflow_repo.load(WORKFLOW)
        say(f"the inputs of {WORKFLOW.name}:")
        for item in workflow.list_inputs():
            say(f"  {item.input_index} {item.name:16} {item.value!r:.52}")

        workflow.set_inputs(model=model, width=size, height=size, steps=steps)
        images = []
        for prompt in PROMPTS:
            for seed in SEEDS:
                say(f"\n{prompt}, seed {seed}")
                result = workflow.run(
                    positive_prompt=prompt, seed=seed, on_progress=Progress()
                )
                name = f"{prompt.split()[1]}-{seed}.png"
                path = result.image.save(OUT / name)
                say(f"  seed used: {result.seeds[0]}; saved {path}")
                images.append((path, f"{prompt}\nseed {seed}"))

    sheet = contact_sheet(images)
    say("\nsaved:")
    for path in [*(path for path, _ in images), sheet]:
        say(f"  {path.absolute()}")


class Progress:
    """Prints a line when another node runs, and every quarter of a denoising."""

    def __init__(self) -> None:
        self.said = ""

    def __call__(self, progress) -> None:
        doing = progress.node_name or progress.why
        if progress.message and progress.step is not None:
            doing = f"{progress.message} {progress.step // 0.25 * 0.25:.0%}"
        if doing and doing != self.said:
            self.said = doing
            say(f"  {progress.fraction:4.0%} {doing}")


def contact_sheet(images: list, tile: int = 320, margin: int = 16) -> Path:
    """All images on one sheet, two in a row, each above its prompt and seed."""
    columns = len(SEEDS)
    rows = -(-len(images) // columns)
    label = 48
    width = margin + columns * (tile + margin)
    height = margin + rows * (tile + label + margin)
    sheet = Image.new("RGB", (width, height), "#f6f4f0")
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(15)
    for number, (path, text) in enumerate(images):
        left = margin + number % columns * (tile + margin)
        top = margin + number // columns * (tile + label + margin)
        with Image.open(path) as image:
            sheet.paste(image.convert("RGB").resize((tile, tile)), (left, top))
        draw.multiline_text(
            (left, top + tile + 6), text, fill="#33302c", font=font, spacing=4
        )
    path = OUT / "contact-sheet.png"
    sheet.save(path)
    return path


if __name__ == "__main__":
    main()
