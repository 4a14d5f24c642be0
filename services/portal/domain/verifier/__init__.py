"""What an export holds beside the dossier: the verifier, alone and whole, and what tells of it."""
