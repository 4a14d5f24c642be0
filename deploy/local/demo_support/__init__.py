"""The demo of support: what reaches which desk, and who answers; every claim is checked."""
