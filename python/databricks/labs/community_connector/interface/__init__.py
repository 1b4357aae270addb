"""What a connector written in Python implements.

A connector is a class with the methods of :class:`LakeflowConnect`; the other classes are abilities that it may have
besides. Nothing here needs more than Python's standard library: schemas may be a PySpark ``StructType`` or Spark SQL
DDL.
"""

from .lakeflow_connect import LakeflowConnect
from .lakeflow_source import LakeflowSource
from .supports_namespaces import SupportsNamespaces
from .supports_partition import SupportsPartition, SupportsPartitionedStream

__all__ = [
    "LakeflowConnect",
    "LakeflowSource",
    "SupportsNamespaces",
    "SupportsPartition",
    "SupportsPartitionedStream",
]
