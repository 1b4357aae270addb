"""The data source ``lakeflow_connect``."""

import sys

try:
    import pyspark.sql.datasource  # noqa: F401
except ImportError as error:
    raise ImportError(
        f"the data source needs PySpark 4.0 or later, which `{sys.executable}` does not have: {error}\n"
        'hint: `pip install "pyspark>=4.0"`; the program `community-connector` works without it'
    ) from error
