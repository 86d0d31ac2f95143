"""The memory of the lab: queue, intents, transactions, observations; SQLite by default, PostgreSQL by URL.

Plain synchronous functions on a connection. Never talks to the game, reads no clock, decides nothing about trades.
"""
