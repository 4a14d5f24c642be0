"""Bearer tokens: verifies that a trusted issuer signed them, and reads whom they speak for.

Keys come from each issuer's JWKS; joserfc does all cryptography. Knows neither HTTP requests nor
rights: `shared.runtime.web` turns faults into answers, `shared.rights` decides.
"""
