"""Rows in, estimates with uncertainty out: pure functions over arrays. Never reads a database, a file or a clock."""
