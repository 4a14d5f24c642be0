"""Store of sheets, and spreadsheets that are read and written."""
