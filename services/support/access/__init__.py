"""Access to support: who asks, with or without an account, what they may type and how often.

- `domain/parties.py`: issuers, recipients and callers, checked against the directory.
- `domain/texts.py`: limits of titles, texts and e-mail addresses.
- `application`: rate limits of requests without an account, and the tokens that stand for one.
- `entrypoints`: authentication, base model of requests, the 429 answer.
"""
