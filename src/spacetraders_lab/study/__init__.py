"""Plays whole runs against the sandbox in virtual time: simulate, validate, benchmark. Never plays a real game."""
