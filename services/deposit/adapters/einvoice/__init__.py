"""Reads deposited files: UBL, CII, Factur-X, plain PDF."""
