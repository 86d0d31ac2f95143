"""A local game server with a known truth: SpaceTraders API v2 over markets that follow the measured price law.

It plays the game and nothing else: it knows neither the client, nor the database, nor the lab that plays against it.
"""
