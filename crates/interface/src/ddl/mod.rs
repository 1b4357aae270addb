//! Spark SQL DDL: how authors write schemas, and how they are shown.
