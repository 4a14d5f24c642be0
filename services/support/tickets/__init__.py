"""Tickets: drafts, submission, follow-up, the queues of the desks."""
