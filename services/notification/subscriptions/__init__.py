"""Subscriptions: who is told of which statuses, by webhook or by e-mail.

- `domain/subscription.py`: a subscription, its state and its secrets; `domain/rules.py`: refusals.
- `application/book.py`: create, change, switch off and on, confirm, unsubscribe.
- `application/mails.py`: the mails, whose French texts are the templates of `data`.
- `adapters/mongo.py`: its store; `adapters/secrets.py`: secrets encrypted at rest, links of mails.

Whoever changes a subscription holds the feed of statuses meanwhile: each status is judged by the
subscription as it was before, or as it is after, and none falls in between.
"""
