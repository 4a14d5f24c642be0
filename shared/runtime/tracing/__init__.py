"""Tracing: one trace a dossier, exported over OTLP by OpenTelemetry when an endpoint is set.

What this package promises:

- The trace id is computed from the correlation id of a message, the id of its publication's span
  from its own id: no replica has to remember anything, and a restart changes nothing.
- `traceparent` is in the outbox row and in the headers of the record; it names the parent of the
  consumer's span. The `traceparent` of a client over HTTP becomes a link.
- Without an endpoint nothing is built or imported. A collector that is away costs a service
  nothing: spans wait in a bounded queue, and those that find it full are dropped and counted.

- `traceparent`: ids of traces and spans, and the header (W3C Trace Context).
- `spans`: spans, and the root span of a request or of a batch of jobs.
- `exporter`: the only module that imports OpenTelemetry.
"""
