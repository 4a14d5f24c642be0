"""Virtual agent: answers from articles, says where a piece stands, prefills a ticket.

- An answer is a passage of an article, word for word and cited, or a figure of the portal.
- When no passage is sure enough, the agent says so and offers a person and a ticket.
- Pieces are looked up in the portal with the identity of the caller, who sees no more than there.
- A request for an activation link is published once per conversation, after a confirmation.
- Articles are Markdown files of `data/articles`. Their passages are learnt in memory at start.
- Conversations are deleted after a delay of the settings.
- `make eval-support` measures what is answered and what is declined.
"""
