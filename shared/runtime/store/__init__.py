"""Documents, files and leases in MongoDB; the only package that calls the driver.

Promises: a transaction commits its documents and its outgoing messages together, or neither; a file
is read back with the bytes of its SHA-256, or refused; a lease has one holder at a time.
"""
