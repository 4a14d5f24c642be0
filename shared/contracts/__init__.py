"""Contracts: the messages between services, as released to readers that we do not know.

- `envelope`: attributes of every event (CloudEvents), and its encoding.
- `topics`: registry of topics, with key, retention, partitions, size limits and dead letters.
- `<owner>_v<major>`: payloads of one service; `common_v1` and `fields` are what they share.
- `outgoing`: a message before the runtime stamps it with id and time.
- `public_paths`: prefix and version of the URL paths of each service.

Promises: within a major version only optional fields and new types are added; a record weighs less
than its topic takes; the rank of an event orders it within its dossier, the version of a state
within its entity. See "Changing a contract" in CONTRIBUTING.md.
"""
