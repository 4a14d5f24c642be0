"""Adapters of portal: store of the read model, sheets, export files, peers over HTTP."""
