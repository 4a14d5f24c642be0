"""Desks, and what every other feature of support uses.

- `domain/catalogue.py`: categories, sub-categories and the desk of each.
- `domain/hours.py`: opening hours in Paris and public holidays.
- `domain/parties.py`: issuers, recipients and callers, checked against the directory.
- `domain/texts.py`: limits of titles, texts and e-mail addresses.
- `application`: rate limits of requests without an account, and the tokens that stand for one.
- `entrypoints`: base models of requests and answers, authentication, the 429 answer.
"""
