"""A photofind library on PostgreSQL with pgvector."""

from photofind_postgres.opening import open_postgres

__all__ = ["open_postgres"]
