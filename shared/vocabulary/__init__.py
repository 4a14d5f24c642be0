"""Vocabulary: the words of the trade as types and value lists, with their validation.

Roles, actors, cadres, statuses, codes, tickets and their French labels; amounts, dates, SIRET, VAT
and piece numbers; texts, attachments and sizes; business rules and their violations. Standard
library only. Decisions that use these values are in `shared.circuit` or in a service.
"""
