"""Accounts, attachments, habilitations, and the rules that their changes keep."""
