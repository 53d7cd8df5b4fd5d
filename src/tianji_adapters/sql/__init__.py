"""Storage in SQL: SQLite and PostgreSQL."""
