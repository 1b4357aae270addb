"""dlt's `rest_api` source appends the issues to a Delta table. Usage: dlt_append.py BASE_URL FOLDER"""

import os
import pathlib
import sys

os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
os.environ["RUNTIME__LOG_LEVEL"] = "ERROR"

import dlt  # noqa: E402
from dlt.sources.rest_api import rest_api_source  # noqa: E402

base_url, folder = sys.argv[1], pathlib.Path(sys.argv[2]).resolve()
issues = {
    "name": "issues",
    "max_table_nesting": 0,
    "write_disposition": "append",
    "endpoint": {"path": "repos/acme/widgets/issues", "params": {"per_page": 100}},
}
source = rest_api_source({"client": {"base_url": base_url, "paginator": "header_link"}, "resources": [issues]})
pipeline = dlt.pipeline(
    "append_issues",
    destination=dlt.destinations.filesystem(bucket_url=folder.as_uri()),
    dataset_name="github",
    pipelines_dir=str(folder / "state"),
)
pipeline.run(source, table_format="delta")
print("rows", pipeline.last_trace.last_normalize_info.row_counts["issues"])
