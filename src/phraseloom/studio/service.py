"""The application: every route, every error a problem, and the page."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse, HTMLResponse
from fastapi.staticfiles import StaticFiles

from phraseloom import __version__
from phraseloom.studio import (
    event_routes,
    job_routes,
    problem_answers,
    problems,
    reading_routes,
    revision_routes,
    song_routes,
)
from phraseloom.studio.context import Studio
from phraseloom.studio.problems import NotFoundError
from phraseloom.studio.reference import reference_page
from phraseloom.studio.security import LOCAL_NAMES, Guard

PAGE_DIRECTORY = Path(__file__).with_name("page")
_START_PAGE = "index.html"


def create_app(
    library: Path,
    *,
    checkpoint: Path | None = None,
    soundfont: Path | None = None,
    host_names: frozenset[str] = LOCAL_NAMES,
    page: Path = PAGE_DIRECTORY,
) -> FastAPI:
    """The service over one library; the worker starts with the application and ends with it.

    Args:
        library: its file, made where there is none.
        checkpoint: folder with trained weights, in place of the package's own.
        soundfont: in place of the default one.
        host_names: names, beside addresses, under which the service may be asked.
        page: folder with the page's files.

    Raises:
        RequestError: another service has the library open, or it cannot be made there.
        UnreadableFileError: the file is no library.
    """
    studio = Studio(library, checkpoint, soundfont)

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncGenerator[None]:
        studio.start()
        try:
            yield
        finally:
            studio.close()

    app = FastAPI(
        title="phraseloom studio",
        version=__version__,
        description="Whole multitrack songs: a library of revisions, and jobs that write cells of songs.",
        lifespan=life,
        docs_url=None,  # the framework's own pages load scripts from elsewhere
        redoc_url=None,
        responses={"default": {"description": "A problem (RFC 9457)", "content": {problems.MEDIA_TYPE: {}}}},
    )
    app.state.studio = studio
    app.add_middleware(Guard, host_names=host_names)
    problem_answers.install(app)
    for module in (reading_routes, song_routes, revision_routes, job_routes, event_routes):
        app.include_router(module.router)
    _add_pages(app, page)
    return app


def _add_pages(app: FastAPI, page: Path) -> None:
    @app.get("/api", include_in_schema=False)
    def reference() -> HTMLResponse:
        return HTMLResponse(reference_page(app.openapi()))

    @app.get("/", include_in_schema=False)
    def start_page() -> FileResponse:
        if not (page / _START_PAGE).is_file():
            raise NotFoundError("the page is not installed", "use the interface described at /api")
        return FileResponse(page / _START_PAGE, headers={"Cache-Control": "no-cache"})

    app.mount("/page", StaticFiles(directory=page, check_dir=False))
