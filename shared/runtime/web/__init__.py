"""HTTP and WebSocket: application, callers, limits, forms, problem details.

Promises: a request is answered as its OpenAPI description says, or refused by a problem detail with
a stable code; sizes, rates, connections and waits of strangers are bounded.
"""
