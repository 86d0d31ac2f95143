"""Runs the lab. Wires game and store together and drives ships; decides nothing itself."""
