"""Development issuer: an OIDC issuer that signs a token for whoever asks, on loopback only."""
