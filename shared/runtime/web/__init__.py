"""Web: the HTTP application of a service, its WebSockets, limits, forms and problem details.

What this package promises:

- A request is authenticated before its body is read. `caller` is the only place that trusts headers
  of identity; tokens will replace them there.
- A request that does not match its OpenAPI description is refused: an unknown or repeated
  parameter, part of a form or key of JSON. A form without its closing boundary is refused.
- Every error is a problem detail (RFC 9457) in French, with a stable code.
- Heads, bodies, frames, uploads in progress and open connections have limits of size, time and
  number, in total and for each client. A slow or silent client is cut.
- An answer is 503 until the service has started; liveness, readiness and metrics answer before.
- A WebSocket from a page of another site is refused. Every WebSocket is counted, and closed with a
  code.
- Optimistic concurrency uses ETag and If-Match, repeated requests an Idempotency-Key.
- HEAD is answered wherever GET is, by its status and headers.
- A file is sent as a download, under a safe name; browsers never display it.
"""
