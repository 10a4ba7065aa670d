"""Nothing that a student wrote runs in the browser of a teaching assistant or another reader."""

from __future__ import annotations

import base64
import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from bs4 import BeautifulSoup, Tag
from nbgrader.api import Gradebook

from tests.e2e.browser import rendered
from tests.e2e.small_course import ASSIGNMENT, add_assignment, nbgrader, submit

pytestmark = [pytest.mark.browser, pytest.mark.slow]

TOKEN = "a-token-of-this-test"


def _mark(name: str) -> str:
    """JavaScript without spaces that leaves a mark on the document's root."""
    return f"document.documentElement.setAttribute('data-ran-{name}','1')"


def _script(name: str) -> str:
    return f"<script>{_mark(name)}</script>"


SVG = f'<svg xmlns="http://www.w3.org/2000/svg" onload="{_mark("svg")}">{_script("svg")}</svg>'

OUTPUTS: dict[str, dict[str, object]] = {
    "html": {"data": {"text/html": _script("html")}},
    "handler": {"data": {"text/html": f'<img src=x onerror="{_mark("handler")}">'}},
    "inline-svg": {"data": {"text/html": SVG.replace("svg'", "inline-svg'")}},
    "frame": {
        "data": {
            "text/html": f'<iframe srcdoc="<script>parent.{_mark("frame")}</script>"></iframe>'
        }
    },
    "isolated": {
        "data": {"text/html": _script("isolated").replace("document", "parent.document")},
        "metadata": {"text/html": {"isolated": True}},
    },
    "markdown-output": {"data": {"text/markdown": f"**x** {_script('markdown-output')}"}},
    "javascript": {"data": {"application/javascript": _mark("javascript")}},
    "svg": {"data": {"image/svg+xml": SVG}},
    "latex": {"data": {"text/latex": f"$x$ {_script('latex')}"}},
    "plain": {"data": {"text/plain": _script("plain")}},
    "image-size": {
        "data": {"image/png": "bad"},
        "metadata": {"image/png": {"width": f"1 onerror={_mark('image-size')}"}},
    },
    "image-data": {"data": {"image/png": f'x" onerror="{_mark("image-data")}'}},
    # An element that takes the place of a score's field on formgrader's page.
    "stolen-id": {
        "data": {"text/html": '<div class="nbgrader_cell"><p id="square-test">x</p></div>'}
    },
    "request": {
        "data": {"text/html": '<img src="/formgrader/?path=/tmp"><img src="//evil/x.png">'}
    },
}
MARKDOWN = f"""# My reasons {_script("heading")}

{_script("markdown-cell")}

<img src=x onerror="{_mark("markdown-handler")}"> and <svg onload="{_mark("markdown-svg")}"></svg>

[a link](javascript:{_mark("link")}) ![an image](javascript:{_mark("image")}) <{_mark("auto")}>

![attached](attachment:x.png)

$x${_script("after-mathematics")}$y$ and `<b>code</b>` and **bold** and 1 < 2
"""


def _poison(notebook: Path, *, malformed: bool) -> None:
    """Put a script into every place of a graded notebook that a page could show.

    Args:
        notebook: the file in ``autograded/``.
        malformed: whether to use places too that break the notebook format; stock nbgrader answers
            such a notebook with an error page.
    """
    page = json.loads(notebook.read_text())
    by_id = {cell["id"]: cell for cell in page["cells"]}
    by_id["why"]["source"] = MARKDOWN
    by_id["why"]["attachments"] = {
        "x.png": {f'image/png" onerror="{_mark("attachment")}" x="': "bad"}
    }
    answer = by_id["square"]
    answer["source"] = [f"# {_script('source')}\n", *answer["source"]]
    answer["metadata"]["tags"] = ['"><script>x()</script>', "nbgrader_cell"]
    answer["metadata"]["transient"] = {"remove_source": True}
    answer["outputs"] = [
        {"output_type": "display_data", "metadata": {}, **output} for output in OUTPUTS.values()
    ]
    answer["outputs"] += [
        {"output_type": "stream", "name": "stdout", "text": _script("stdout") + "\x1b[31mred"},
        {"output_type": "stream", "name": "stderr", "text": _script("stderr")},
        {
            "output_type": "error",
            "ename": _script("ename"),
            "evalue": _script("evalue"),
            "traceback": [_script("traceback")],
        },
    ]
    own_cell = {
        "cell_type": "markdown",
        "id": "own",
        "metadata": {},
        "source": _script("own-cell"),
    }
    raw = {
        "cell_type": "raw",
        "id": "raw",
        "metadata": {"raw_mimetype": "text/html"},
        "source": _script("raw-cell"),
    }
    page["cells"] += [own_cell, raw]
    page["metadata"]["title"] = f"</title>{_script('title')}"
    page["metadata"]["widgets"] = {
        "application/vnd.jupyter.widget-state+json": {"state": {}, "x": f"</script>{_script('w')}"}
    }
    if malformed:
        answer["execution_count"] = f"<img src=x onerror={_mark('count')}>"
        answer["metadata"]["tags"] = [f'"><img src=x onerror={_mark("tag")}>']
        own_cell["id"] = f'own"><img src=x onerror={_mark("cell-id")}>'
        own_cell["metadata"] = {
            "nbgrader": {"locked": True, "grade": True, "grade_id": f"{_script('grade-id')}"}
        }
    notebook.chmod(0o644)
    notebook.write_text(json.dumps(page))


def _course(folder: Path, root: Path, settings: str = "") -> Path:
    """A course with one graded and poisoned submission; nothing is executed on the way."""
    folder.mkdir()
    (folder / "nbgrader_config.py").write_text(
        (root / "nbgrader_config.py").read_text()
        + "\nkinds = 'nbgrader.preprocessors.'\n"
        + "c.Autograde.sanitize_preprocessors = [kinds + 'ClearOutput']\n"
        + "c.Autograde.autograde_preprocessors = [kinds + 'SaveAutoGrades']\n"
        + "c.GenerateFeedback.preprocessors = [kinds + 'GetGrades',"
        + " 'nbconvert.preprocessors.CSSHTMLHeaderPreprocessor']\n"
        + settings
    )
    add_assignment(folder)
    nbgrader(folder, "generate_assignment", ASSIGNMENT)
    submit(folder, "eve", "def square(x):\n    return x")
    nbgrader(folder, "autograde", ASSIGNMENT)
    graded = folder / "autograded" / "eve" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
    _poison(graded, malformed=not settings)
    nbgrader(folder, "generate_feedback", ASSIGNMENT)
    return folder


@contextmanager
def _formgrader(course: Path) -> Iterator[str]:
    """Serve formgrader as an instructor would start it; yield its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [
            *(sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root"),
            *("--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}"),
            *(f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={course}"),
        ],
        cwd=course,
        env={**os.environ, "JUPYTER_PLATFORM_DIRS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=(course / "server.log").open("w"),
    )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            assert server.poll() is None, (course / "server.log").read_text()
            try:
                urllib.request.urlopen(f"{address}/api?token={TOKEN}", timeout=2).close()
                break
            except OSError:
                time.sleep(0.2)
        yield address
    finally:
        server.terminate()
        server.wait(timeout=20)


def _pages(course: Path, chromium: str) -> dict[str, str]:
    """Feedback and formgrader's page of the submission, each after its scripts ran."""
    feedback = course / "feedback" / "eve" / ASSIGNMENT / f"{ASSIGNMENT}.html"
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as gradebook:
        submission = gradebook.find_submission_notebook(ASSIGNMENT, ASSIGNMENT, "eve").id
    with _formgrader(course) as address:
        return {
            "feedback": rendered(chromium, feedback.as_uri()),
            "formgrader": rendered(
                chromium, f"{address}/formgrader/submissions/{submission}/?token={TOKEN}"
            ),
        }


def _ran(page: str) -> set[str]:
    """The names of the scripts that left their mark."""
    start = re.search(r"<html[^>]*>", page)
    assert start is not None
    return set(re.findall(r"data-ran-([a-z-]+)", start.group()))


def _notebook(page: str) -> Tag:
    container = BeautifulSoup(page, "html.parser").select_one("#notebook-container")
    assert container is not None, page[:2000]
    return container


@pytest.fixture(scope="module")
def pages(root: Path, chromium: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return _pages(_course(tmp_path_factory.mktemp("kit") / "course", root), chromium)


@pytest.fixture(scope="module")
def bare(root: Path, chromium: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The same pages as stock nbgrader shows them."""
    settings = "del c.HTMLExporter\n"
    return _pages(_course(tmp_path_factory.mktemp("bare") / "course", root, settings), chromium)


@pytest.fixture(scope="module")
def half(root: Path, chromium: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The same pages with ``sanitize_html`` alone."""
    settings = "del c.HTMLExporter\nc.HTMLExporter.sanitize_html = True\n"
    return _pages(_course(tmp_path_factory.mktemp("half") / "course", root, settings), chromium)


@pytest.mark.parametrize("page", ["feedback", "formgrader"])
def test_the_same_scripts_do_run_on_stock_pages(bare: dict[str, str], page: str) -> None:
    """The control: without it, a browser that runs nothing would pass the other tests."""
    assert _ran(bare[page]) >= {
        *("html", "handler", "inline-svg", "frame", "markdown-output", "image-size"),
        *("markdown-cell", "markdown-handler", "heading", "own-cell"),
    }


@pytest.mark.parametrize("page", ["feedback", "formgrader"])
def test_sanitize_html_alone_is_not_enough(half: dict[str, str], page: str) -> None:
    """When this fails, nbgrader or nbconvert closed these gaps, and ours may be simpler."""
    assert _ran(half[page]) >= {"markdown-cell", "image-size"}


@pytest.mark.parametrize("page", ["feedback", "formgrader"])
def test_no_script_of_a_student_runs(pages: dict[str, str], page: str) -> None:
    assert _ran(pages[page]) == set()


@pytest.mark.parametrize("page", ["feedback", "formgrader"])
def test_nothing_in_a_submission_could_run_later(pages: dict[str, str], page: str) -> None:
    notebook = _notebook(pages[page])
    assert notebook.find_all(["script", "iframe", "object", "embed", "form", "base", "meta"]) == []
    for element in notebook.find_all(True):
        handlers = [name for name in element.attrs if name.startswith("on")]
        assert handlers == [], element
        for name in ("href", "src", "action", "formaction", "xlink:href"):
            address = str(element.get(name, ""))
            assert re.match(r"$|#|data:image/", address), element


@pytest.mark.parametrize("page", ["feedback", "formgrader"])
def test_what_the_student_wrote_stays_readable(pages: dict[str, str], page: str) -> None:
    text = _notebook(pages[page]).get_text()
    assert "My reasons" in text
    assert "return x" in text
    assert "1 < 2" in text
    assert _script("stdout") in text
    assert _script("traceback") in text
    assert _script("source") in text


def test_formgrader_keeps_its_own_fields(pages: dict[str, str]) -> None:
    notebook = _notebook(pages["formgrader"])
    (field,) = notebook.select("[id='square-test']")
    assert field.name == "input"
    assert len(notebook.select(".nbgrader_cell")) == 3


def test_an_image_of_a_figure_is_shown(root: Path) -> None:
    from nbconvert import HTMLExporter
    from nbformat.v4 import new_code_cell, new_notebook, new_output
    from traitlets.config import Config

    picture = base64.b64encode(b"a picture").decode()
    output = new_output(
        "display_data", {"image/png": picture}, metadata={"image/png": {"width": 320}}
    )
    settings = Config()
    settings.HTMLExporter.default_preprocessors = ["autograder.nbgrader_hooks.inert.InertNotebook"]
    exporter = HTMLExporter(template_name="classic", config=settings)
    page, _ = exporter.from_notebook_node(new_notebook(cells=[new_code_cell("", outputs=[output])]))
    image = BeautifulSoup(page, "html.parser").find("img")
    assert isinstance(image, Tag)
    assert image["src"] == f"data:image/png;base64,{picture}"
    assert image["width"] == "320"
