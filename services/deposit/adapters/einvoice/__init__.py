"""Reader of deposited files, recognised by their content: UBL, CII, Factur-X, plain PDF."""
