"""The vocabulary of the lab and every decision it takes: pure functions over frozen values.

Nothing here waits, reads a clock, draws a random number, or touches a disk or a socket.
"""
