"""A sheet, the rules that it breaks, and its spreadsheet form."""
