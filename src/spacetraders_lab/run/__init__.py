"""Runs the lab: the only room that awaits. Wires game and store together and drives ships; decides nothing itself."""
