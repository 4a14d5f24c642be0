"""Pure: what a piece looks like to whom, what may be asked of pieces, what a list adds up to."""
