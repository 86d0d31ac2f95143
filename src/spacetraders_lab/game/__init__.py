"""Turns a command into API calls and an honest outcome. Nothing here decides what to do next, and nothing remembers."""
