"""Owns dossiers: decides who acts next or why not, keeps their audit trails, tells their states."""
