"""``SupportsNamespaces``: tables that live in a hierarchy."""

from __future__ import annotations

from abc import ABC, abstractmethod


class SupportsNamespaces(ABC):
    """A connector whose tables live in a hierarchy of namespaces, such as databases and schemas."""

    @abstractmethod
    def list_namespaces(self, prefix: list[str] | None = None) -> list[list[str]]:
        """Give the full paths of the namespaces one level below ``prefix``; ``None`` and ``[]`` are the root."""

    @abstractmethod
    def list_tables_in_namespace(self, namespace: list[str]) -> list[str]:
        """Give the tables directly in a namespace; ``[]`` is the root."""
