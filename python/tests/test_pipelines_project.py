"""The example project, run by Spark's own program."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pyspark
import yaml
from lakehouse import rows, run_embedded

EXAMPLE = Path(__file__).parents[2] / "examples" / "spark-pipeline"
PROGRAM = Path(pyspark.__file__).parent / "bin" / "spark-pipelines"


def test_project_runs_twice_and_equals_the_embedded_engine(simulate, home, tmp_path):
    github = simulate("github")
    project = tmp_path / "project"
    shutil.copytree(EXAMPLE, project)
    file = project / "spark-pipeline.yml"
    definition = yaml.safe_load(file.read_text())
    file.write_text(yaml.safe_dump({**definition, "storage": (tmp_path / "storage").as_uri()}))
    document = yaml.safe_load((project / "pipeline.yaml").read_text())
    lake = tmp_path / "spark"
    environment = {
        **os.environ,
        "GITHUB_SIMULATOR": github.url,
        "COMMUNITY_CONNECTOR_LAKEHOUSE": str(lake),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "SPARK_HOME": str(Path(pyspark.__file__).parent),
    }
    command = [PROGRAM, "run", "--conf", "spark.ui.enabled=false"]
    for changes in ({}, {"issues": {"added": 3, "changed": 5}, "branches": {"added": 1, "deleted": 1}}):
        github.advance(**changes)
        run_embedded(tmp_path / "embedded", document, github)
        run = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True)
        assert run.returncode == 0, run.stdout + run.stderr
        for entry in document["objects"]:
            table = entry["table"]["source_table"]
            assert rows(lake, table) == rows(tmp_path / "embedded", table), table
