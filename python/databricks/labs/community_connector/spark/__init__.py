"""The data source ``lakeflow_connect``."""
