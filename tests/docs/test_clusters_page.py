"""The recipes of the page on clusters are at least what they claim to be."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

from .pages import REPOSITORY

PAGE = (REPOSITORY / "docs" / "clusters.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.M | re.S)


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_scripts_for_slurm_are_read_by_bash():
    scripts = blocks("bash")
    assert scripts
    for script in scripts:
        done = subprocess.run(
            ["bash", "-n"], input=script, text=True, capture_output=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
        options = re.findall(r"^#SBATCH --([a-z-]+)=\S+$", script, re.M)
        assert len(options) == script.count("#SBATCH")


def test_objects_for_kubernetes_fit_together():
    yaml = pytest.importorskip("yaml")
    (text,) = blocks("yaml")
    objects = {each["kind"]: each for each in yaml.safe_load_all(text)}
    assert set(objects) == {"Service", "StatefulSet", "Job"}
    assert all(each["apiVersion"] and each["metadata"] for each in objects.values())
    farm = objects["StatefulSet"]
    name, service = farm["metadata"]["name"], farm["spec"]["serviceName"]
    assert objects["Service"]["metadata"]["name"] == service
    assert objects["Service"]["spec"]["clusterIP"] == "None"
    labels = farm["spec"]["template"]["metadata"]["labels"]
    assert objects["Service"]["spec"]["selector"] == labels
    assert farm["spec"]["selector"]["matchLabels"] == labels
    pod = objects["Job"]["spec"]["template"]["spec"]
    given = {each["name"]: each for each in pod["containers"][0]["env"]}
    assert given["FARM"]["value"].split(",") == [
        f"http://{name}-{number}.{service}:9090"
        for number in range(farm["spec"]["replicas"])
    ]
    for spec in (pod, farm["spec"]["template"]["spec"]):
        claims = farm["spec"]["volumeClaimTemplates"]
        volumes = {each["name"] for each in spec["volumes"]}
        volumes |= {each["metadata"]["name"] for each in claims}
        mounts = spec["containers"][0]["volumeMounts"]
        assert {mount["name"] for mount in mounts} <= volumes
