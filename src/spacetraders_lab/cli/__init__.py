"""The command line: parse, call one function, print. Decides nothing and computes nothing."""
