"""HTTP: search, dashboard, fiscal list."""

from fastapi import APIRouter


def create_router() -> APIRouter:
    """Build the routes."""
    return APIRouter(tags=["portail"])
