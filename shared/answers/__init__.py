"""HTTP answers shared by several services: a piece, its cadre, status and actors.

The same thing has the same fields in every answer. Each code comes with its label: `cadre` and
`cadre_label`, `status` and `status_label`, `role` and `role_label`, `motive` and `motive_label`. A
service that shows more of a piece adds fields, and changes none.
"""
