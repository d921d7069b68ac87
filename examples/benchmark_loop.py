"""A benchmark loop: every scheduler and number of steps, timed, into a CSV file.

    INVOKEAI_URL=http://localhost:9090 python benchmark_loop.py images

All jobs are submitted first, so the server never waits for this script, and each is
timed by the server's own clock. Every job has a seed of its own, since the server
would take an equal job from its cache.
"""

import csv
import itertools
import os
import sys
from pathlib import Path

from invokeai_py_client import InvokeAIClient

OUT = Path(sys.argv[1] if sys.argv[1:] else "images")
SIZE, STEPS = int(os.environ.get("SIZE", "512")), int(os.environ.get("STEPS", "20"))
FILE = Path(__file__).parent / "workflows" / "portrait.json"
SCHEDULERS = ("euler", "dpmpp_2m", "unipc")

OUT.mkdir(parents=True, exist_ok=True)

with InvokeAIClient() as client, (OUT / "benchmark.csv").open("w") as file:
    workflow = client.workflow_repo.load(FILE)
    model = client.model_repo.get_any_model(base="sd-1", type="main")
    workflow.set_inputs(model=model, width=SIZE, height=SIZE)
    workflow.run(steps=1)  # loads the model, so that nobody is timed loading it

    points = list(itertools.product(SCHEDULERS, (STEPS, STEPS * 2)))
    submissions = client.submit_many(
        [
            (workflow, {"scheduler": scheduler, "steps": steps, "seed": seed})
            for seed, (scheduler, steps) in enumerate(points)
        ]
    )

    table = csv.writer(file)
    table.writerow(["scheduler", "steps", "seed", "seconds", "image"])
    for submission in submissions:
        (done,) = submission.wait().jobs
        job = client.queue_repo.get_job(done.item_id)
        seconds = (job.completed_at - job.started_at).total_seconds()
        scheduler, steps = done.values["scheduler"], done.values["steps"]
        path = done.image.save(OUT / f"{scheduler}-{steps}.png")
        table.writerow([scheduler, steps, done.seed, seconds, path.name])
        print(f"{scheduler:10} {steps:3} steps {seconds:7.2f} s  {path}")
