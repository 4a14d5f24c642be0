"""Pushes: statuses are sent to whoever subscribed.

- `domain/targets.py`: which URLs and addresses a webhook may be sent to (SSRF).
- `domain/outcomes.py`: what came of an attempt.
- `adapters/webhooks.py`: sends one webhook: one attempt, bounded in time and size.
- `adapters/network.py`: resolves a name, judges its addresses, connects to one that was judged.
"""
