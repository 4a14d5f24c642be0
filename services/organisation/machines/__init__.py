"""Machines: programs that act for structures, by client credentials (OAuth 2.0, RFC 6749).

- `domain/machines.py`: a machine, its scopes in each structure, its secrets.
- `domain/token_requests.py`: which scopes a token has; the errors of RFC 6749.
- `application/machines.py`: create, grant, renew a secret, withdraw, delete.
- `application/tokens.py`: authenticate a client in constant time and issue its token.
- `adapters/signing.py`: private keys of a setting, the JWKS, and the signature by joserfc.

A machine belongs to the structure that created it. Another structure may grant it scopes of its
own. Each change publishes the whole machine as a principal, so that every service refuses on the
next request what was withdrawn, whatever tokens say.
"""
