"""Estimates in, figures and documents out. It draws what `analysis` found and estimates nothing itself."""
