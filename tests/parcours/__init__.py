"""Tests of the whole platform under traffic. One worker runs them in turn: each fills a machine."""
