"""Desks: what they answer about, and when.

- `domain/catalogue.py`: categories, sub-categories and the desk of each.
- `domain/hours.py`: opening hours in Paris and public holidays.
- `domain/opening.py`: the refusal of a chat outside opening hours.
"""
