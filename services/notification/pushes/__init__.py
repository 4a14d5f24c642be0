"""Pushes: statuses are sent to whoever subscribed.

- `domain/targets.py`: which URLs and addresses a webhook may be sent to (SSRF).
- `domain/outcomes.py`: what came of an attempt.
- `adapters/delivery_rows.py`: the shape of a delivery in the store, and each change of it.
- `adapters/fan_out.py`: makes deliveries of statuses, new ones or of a past period.
- `adapters/webhooks.py`: sends one webhook: one attempt, bounded in time and size.
- `adapters/network.py`: resolves a name, judges its addresses, connects to one that was judged.
"""
