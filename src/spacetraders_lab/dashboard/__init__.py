"""A live page over the database, read-only unless the user allows control. It never talks to the game."""
