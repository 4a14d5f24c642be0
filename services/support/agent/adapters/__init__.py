"""Adapters of the virtual agent: article search, store of conversations, portal client."""
