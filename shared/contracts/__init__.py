"""Contracts: the messages between services, released to readers that we do not know.

- `envelope`: attributes of every event (CloudEvents), and its encoding.
- `topics`: registry of topics, with key, retention, partitions, size limits and dead letters.
- `<owner>_v<major>`: payloads of one service; `common_v1` and `fields` hold their common parts.
- `outgoing`: a message before the runtime adds its id and time.
- `public_paths`: prefix and version of the URL paths of each service.

Promises: within a major version only optional fields and new types are added; a record is smaller
than its topic allows; rank orders the events of a dossier, and version the states of an entity. See
"Changing a contract" in CONTRIBUTING.md.
"""
