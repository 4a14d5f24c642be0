"""Deployment: image, compose, Kubernetes, gateway, monitoring, and the platform on one machine."""
