"""Support: tickets and live chat with the desks, a virtual agent, suggestions.

Each feature is a package with the layers of a service (`domain`, `application`, `adapters`,
`entrypoints`), from those that know the others down to what all know:

- `chat`: the live chat with the people of a desk, over WebSocket.
- `agent`: the virtual agent, which answers from articles and from the portal.
- `tickets`: drafts, submission, follow-up, the queues of the desks.
- `suggestions`: the model that suggests a sub-category for a text.
- `desks`: the catalogue, and the opening hours.
- `access`: who asks and who answers, authentication, limits of texts and rates.

`bootstrap` puts them together. `data` holds catalogue, targets, examples and articles.
"""
