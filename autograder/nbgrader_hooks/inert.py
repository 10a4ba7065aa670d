"""Makes what a student wrote inert before a browser shows it.

A teaching assistant is logged in where formgrader shows a submission, so a script that ran there
could grade. ``HTMLExporter.sanitize_html`` alone does not prevent it: nbgrader's two templates
insert Markdown cells as they are, and nbconvert's insert an image's size without quotes. A notebook
that breaks the format's rules makes them show an error instead of a page. Three parts, all named in
``nbgrader_config.py``, close the gaps for feedback and formgrader alike:

- :class:`InertNotebook` rebuilds each notebook from the fields that a page needs, each checked;
- :func:`inert_markdown` takes the place of the filter ``markdown2html``;
- :func:`inert_html` takes the place of the filter ``clean_html``.

Nothing is loaded from elsewhere either: an image's address alone could make the browser of a
logged-in teaching assistant send a request. Links are shown as text.

The files themselves keep what the student wrote; only what is shown changes.
"""

from __future__ import annotations

import html
import re
from typing import Any

import nh3
from bs4 import BeautifulSoup
from jinja2 import pass_context
from jinja2.runtime import Context
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbconvert.preprocessors import Preprocessor
from nbformat import NotebookNode
from traitlets import Bool

#: Characters of one Markdown cell or one HTML output that a page shows.
LONGEST = 500_000
#: Tags in one of them; parsing deeply nested ones takes quadratic time.
MOST_TAGS = 20_000

_TAGS = set(
    "a abbr b blockquote br caption center code col colgroup dd del details div dl dt em "
    "figcaption figure h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q s samp small span "
    "strong sub summary sup table tbody td tfoot th thead tr tt u ul var".split()
)
_WITH_CONTENT = {"script", "style", "template", "noscript", "iframe", "object", "title", "textarea"}
_ATTRIBUTES = {
    "*": {"style", "class", "title"},
    "a": {"href"},
    "details": {"open"},
    "img": {"src", "alt", "width", "height"},
    "ol": {"start"},
    "td": {"align", "colspan", "rowspan"},
    "th": {"align", "colspan", "rowspan"},
}
# No position, margin or display: nothing may cover, move or hide the page around it. No property
# that takes an address.
_STYLES = set(
    "background-color border border-bottom border-collapse border-color border-left border-radius "
    "border-right border-style border-top border-width color font-family font-size font-style "
    "font-weight padding padding-bottom padding-left padding-right padding-top text-align "
    "text-decoration vertical-align white-space width".split()
)
_IMAGE = re.compile(
    r"data:image/(png|jpeg|gif|webp|svg\+xml);base64,[A-Za-z0-9+/=\s]*"
    # A picture that the instructor released beside the notebook.
    r"|(?!\.)[\w-][\w -]*(/[\w-][\w -]*)*\.(png|jpe?g|gif|webp)",
    re.ASCII,
)
# What Pygments, pandas and ANSI colours use. Other classes and all ids belong to the page:
# formgrader finds a cell's score by its id.
_CLASS = re.compile(r"highlight|dataframe|ansi-[a-z-]+|[a-z][a-z0-9]{0,2}", re.ASCII)
_NUMBER = re.compile(r"\d{1,4}", re.ASCII)


def _attribute(tag: str, name: str, value: str) -> str | None:
    """Return the value that an allowed attribute keeps, None for none."""
    if name == "class":
        return " ".join(filter(_CLASS.fullmatch, value.split())) or None
    if name == "href":
        return value if re.match(r"https?://|mailto:", value) else None
    if name == "src":
        return value if _IMAGE.fullmatch(value.strip()) else None
    if name in ("width", "height", "colspan", "rowspan", "start"):
        return value if _NUMBER.fullmatch(value) else None
    return value


def inert_html(text: str | bytes) -> str:
    """Return HTML in which nothing runs, loads, covers the page or leads away from it.

    Example:
        >>> inert_html('<b onclick="x()">bold</b><script>alert(1)</script>')
        '<b>bold</b>'
        >>> inert_html('<a href="https://example.org/report">my report</a>')
        'my report (https://example.org/report)'
    """
    text = text.decode(errors="replace") if isinstance(text, bytes) else str(text)
    if len(text) > LONGEST or text.count("<") > MOST_TAGS:
        kept = html.escape(text[:LONGEST])
        return f"<pre>{kept}\n… too long to be shown as a page</pre>"
    clean = nh3.clean(
        text,
        tags=_TAGS,
        clean_content_tags=_WITH_CONTENT,
        attributes=_ATTRIBUTES,
        attribute_filter=_attribute,
        filter_style_properties=_STYLES,
        url_schemes={"http", "https", "mailto", "data"},
        link_rel=None,
    )
    return _links_as_text(clean) if "<a" in clean else clean


def _links_as_text(clean: str) -> str:
    """Replace each link by its text and its address."""
    page = BeautifulSoup(clean, "html.parser")
    for link in page.find_all("a"):
        address = str(link.get("href") or "")
        if address and not address.startswith("#") and address != link.get_text():
            link.append(f" ({address})")
        link.unwrap()
    return str(page)


@pass_context
def inert_markdown(context: Context, source: str) -> str:
    """Render Markdown with its mathematics as nbconvert does, and make the result inert."""
    cell = context.get("cell") or {}
    if len(source) > LONGEST:
        return inert_html(source)
    renderer = IPythonRenderer(
        escape=False, attachments=cell.get("attachments", {}), exclude_anchor_links=True
    )
    try:
        page = MarkdownWithMath(renderer=renderer).render(source)
    except Exception:  # a missing attachment, or a text that the parser cannot read: show it bare
        return f"<pre>{html.escape(source)}</pre>"
    return inert_html(page)


class InertNotebook(Preprocessor):
    """Rebuilds a notebook from what a page shows, every field checked.

    It must run first, as the first of ``HTMLExporter.default_preprocessors`` does: before nbconvert
    checks the format, and before ``GetGrades`` adds what the grader wrote.
    """

    # nbconvert's own default for a preprocessor is off.
    enabled = Bool(True, help="Whether notebooks are made inert before they are shown.").tag(
        config=True
    )

    def preprocess(
        self, nb: NotebookNode, resources: dict[str, Any]
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """Return a notebook of plain Python cells."""
        plain = NotebookNode(
            nbformat=4,
            nbformat_minor=5,
            metadata=NotebookNode(
                language_info=NotebookNode(name="python", pygments_lexer="ipython3")
            ),
            cells=[cell for found in nb.cells if (cell := _cell(_dict(found))) is not None],
        )
        seen: set[str] = set()
        for number, cell in enumerate(plain.cells):
            if cell.id is None or cell.id in seen:
                cell.id = f"without-own-id-{number}"
            seen.add(cell.id)
        return plain, resources


_NAME = re.compile(r"[A-Za-z0-9_-]{1,128}", re.ASCII)
_CELL_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_IMAGES = {"image/png", "image/jpeg", "image/gif", "image/webp", "image/svg+xml"}
_TEXTS = {"text/plain", "text/html", "text/markdown", "text/latex"}


def _cell(found: dict[str, Any]) -> NotebookNode | None:
    kind = found.get("cell_type")
    if kind not in ("code", "markdown", "raw"):
        return None
    cell = NotebookNode(cell_type=kind, source=_text(found.get("source")), metadata=NotebookNode())
    name = found.get("id")
    cell.id = name if isinstance(name, str) and _CELL_ID.fullmatch(name) else None
    about = _dict(found.get("metadata")).get("nbgrader")
    # A graded cell's name stands in the page as it is.
    if isinstance(about, dict) and _NAME.fullmatch(str(about.get("grade_id"))):
        cell.metadata.nbgrader = NotebookNode(
            {key: value for key, value in about.items() if _is_plain(value)}
        )
        # Written from the gradebook later; what stands here now is not the grader's.
        cell.metadata.nbgrader.pop("comment", None)
    if kind == "code":
        count = found.get("execution_count")
        cell.execution_count = count if type(count) is int and count >= 0 else None
        outputs = _list(found.get("outputs"))
        cell.outputs = [out for output in outputs if (out := _output(_dict(output))) is not None]
    elif attachments := _dict(found.get("attachments")):
        cell.attachments = NotebookNode(
            {
                str(name): NotebookNode(kept)
                for name, bundle in attachments.items()
                if isinstance(bundle, dict) and (kept := _pictures(bundle))
            }
        )
    return cell


def _output(found: dict[str, Any]) -> NotebookNode | None:
    kind = found.get("output_type")
    if kind == "stream":
        name = "stderr" if found.get("name") == "stderr" else "stdout"
        return NotebookNode(output_type=kind, name=name, text=_text(found.get("text")))
    if kind == "error":
        return NotebookNode(
            output_type=kind,
            ename=_text(found.get("ename")),
            evalue=_text(found.get("evalue")),
            traceback=[_text(line) for line in _list(found.get("traceback"))],
        )
    if kind not in ("display_data", "execute_result"):
        return None
    data = {
        name: _text(value) for name, value in _dict(found.get("data")).items() if name in _TEXTS
    }
    data.update(_pictures(_dict(found.get("data"))))
    sizes = {
        name: {
            side: size
            for side in ("width", "height")
            # As a string it could carry further attributes: the page writes it without quotes.
            if type(size := about.get(side)) is int and 0 < size <= 10_000
        }
        for name, about in _dict(found.get("metadata")).items()
        if name in _IMAGES and isinstance(about, dict)
    }
    output = NotebookNode(
        output_type=kind,
        data=NotebookNode(data or {"text/plain": "(an output that cannot be shown here)"}),
        metadata=NotebookNode({name: NotebookNode(size) for name, size in sizes.items()}),
    )
    if kind == "execute_result":
        output.execution_count = None
    return output


def _pictures(bundle: dict[str, Any]) -> dict[str, str]:
    return {name: _text(value) for name, value in bundle.items() if name in _IMAGES}


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: object) -> str:
    """Return text, joined where a notebook file holds its lines apart."""
    if isinstance(value, list):
        return "".join(map(str, value))
    return "" if value is None else str(value)


def _is_plain(value: object) -> bool:
    """Whether a metadata value is a number, a flag, or a word without a meaning in HTML."""
    return isinstance(value, bool | int | float) or (
        isinstance(value, str) and bool(_NAME.fullmatch(value))
    )
