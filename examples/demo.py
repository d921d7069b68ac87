"""A workflow of a real InvokeAI, run from Python: inputs, progress, pictures.

Starts a server of its own (installing InvokeAI the first time), gives it a tiny model
with random weights, and runs the server's "Text to Image - SD1.5" with three seeds.
The pictures are noise; everything else is real. `make demo` runs this.
"""

from pathlib import Path

from invokeai_py_client import InvokeAIClient
from invokeai_py_client.server import LocalServer

WORKFLOW = "Text to Image - SD1.5"
OUT = Path("demo-output")


def say(text: str) -> None:
    print(text, flush=True)


def main() -> None:
    with LocalServer(report=say) as server:
        model, *_ = server.install_tiny_models()
        say(f"InvokeAI {server.version} runs at {server.url}\n")
        with InvokeAIClient.from_url(server.url) as client:
            run_workflow(client, model)


def run_workflow(client: InvokeAIClient, model: str) -> None:
    workflow = client.workflow_repo.load(WORKFLOW)
    say(f"the inputs of {WORKFLOW!r}:")
    for item in workflow.list_inputs():
        say(f"  {item.input_index} {item.name:16} {item.label:16} {item.value!r:.50}")

    workflow["model"] = model
    workflow["positive_prompt"] = "a lighthouse at dawn"
    workflow.set_inputs(width=64, height=64)
    # The form shows no steps, so they are set on the node itself.
    workflow.set_node_value("denoise_latents", "steps", 2)

    OUT.mkdir(exist_ok=True)
    saved = []
    for seed in (7, 8, 9):
        result = workflow.run(seed=seed, on_progress=Progress(seed))
        path = result.image.save(OUT / f"seed-{seed}.png")
        used = ", ".join(map(str, result.seeds))
        say(f"  seed used: {used}; {result.image.width}x{result.image.height} pixels")
        saved.append(path)

    say("\nsaved:")
    for path in saved:
        say(f"  {path.absolute()}")


class Progress:
    """Prints a line whenever a run gets to another node."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.said = ""

    def __call__(self, progress) -> None:
        doing = progress.node_name or progress.why
        if doing and doing != self.said:
            self.said = doing
            say(f"seed {self.seed}: {progress.fraction:4.0%} {doing}")


if __name__ == "__main__":
    main()
