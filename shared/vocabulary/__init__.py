"""Vocabulary: the words of the trade as types and value lists, with their validation.

Roles, actors, cadres, statuses, codes, tickets and their French labels; amounts, dates, SIRET, VAT
and piece numbers; texts, attachments and sizes; the form of a business rule and of its violation.
Standard library only; whatever follows from these values is in `shared.circuit` or in a service.
"""
