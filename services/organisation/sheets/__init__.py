"""Sheets of marchés, *fiches d'identité du marché*: actors, lots, delays, required fields.

- `domain/sheets.py`: a sheet in one version; `domain/judgement.py`: the rules that it breaks.
- `domain/form.py`: the spreadsheet form that people fill in, read and built as tables.
- `application/sheets.py`: create, replace, withdraw, list, and the versions that are kept.
- `adapters/workbook_process.py`: reads an XLSX file in a process of bounded memory and time.

A sheet is of the structure whose marché it is, and of the number of the marché. Each version is
published whole: `deposit` checks by it the pieces that open a dossier.
"""
