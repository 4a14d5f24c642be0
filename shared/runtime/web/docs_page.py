"""Documentation page of a service: Swagger UI, from local files instead of a CDN."""

from importlib.resources import files
from pathlib import Path

from fastapi import APIRouter
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import FileResponse, HTMLResponse

_FOLDER = Path(str(files("fastapi_offline"))) / "static"
_SCRIPT, _STYLES, _ICON = "swagger-ui-bundle.js", "swagger-ui.css", "favicon.png"
_MEDIA_TYPES = {_SCRIPT: "text/javascript", _STYLES: "text/css", _ICON: "image/png"}


def create_docs_router(url: str, *, openapi_url: str, title: str) -> APIRouter:
    """Build the router that serves the page at `url`, and its three assets below it."""
    router = APIRouter(include_in_schema=False)

    @router.get(url, summary="The OpenAPI description, to read and to try.")
    async def show_page() -> HTMLResponse:
        return get_swagger_ui_html(
            openapi_url=openapi_url,
            title=title,
            swagger_js_url=f"{url}/{_SCRIPT}",
            swagger_css_url=f"{url}/{_STYLES}",
            swagger_favicon_url=f"{url}/{_ICON}",
            # Without this, Swagger UI may show a badge that sends the address to another site.
            swagger_ui_parameters={"validatorUrl": None},
        )

    def serve(name: str, media_type: str) -> None:
        async def send_asset() -> FileResponse:
            return FileResponse(_FOLDER / name, media_type=media_type)

        router.add_api_route(f"{url}/{name}", send_asset, response_class=FileResponse)

    for name, media_type in _MEDIA_TYPES.items():
        serve(name, media_type)
    return router
