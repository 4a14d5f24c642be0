"""A service that is ready at once and tells what the launcher told it."""

import uvicorn
from fastapi import FastAPI

from shared.runtime.settings import RuntimeSettings


def main() -> None:
    """Serve on the address of the environment."""
    settings = RuntimeSettings()
    app = FastAPI()

    @app.get("/health/live")
    @app.get("/health/ready")
    def answer() -> None:
        """Say yes."""

    @app.get("/settings")
    def tell() -> RuntimeSettings:
        """Tell what arrived."""
        return settings

    uvicorn.run(app, host=settings.host, port=settings.port)


if __name__ == "__main__":
    main()
