"""The JSON API under /api/v1: what the pages show, for other programs."""

from dashboard.api.routes import mount

__all__ = ["mount"]
