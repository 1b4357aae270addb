"""``LakeflowSource``: a connector's class under the name of its Spark format."""

from __future__ import annotations

from .lakeflow_connect import LakeflowConnect


class LakeflowSource:
    """Binds a connector to a Spark format; a subclass names the connector's class and nothing else.

    It can be named wherever a connector's class can.
    """

    _format_name: str = "lakeflow_connect"
    _lakeflow_connect_cls: type[LakeflowConnect]

    @classmethod
    def name(cls) -> str:
        """Give the name of the Spark format."""
        return cls._format_name
