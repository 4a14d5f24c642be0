"""Pure domain of portal: visibility of pieces, criteria of searches, totals, exports."""
