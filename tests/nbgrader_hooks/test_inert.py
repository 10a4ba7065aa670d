from __future__ import annotations

import re
from typing import Any

import pytest
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import Environment
from nbformat import NotebookNode, from_dict, validate
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from autograder.nbgrader_hooks.inert import (
    LONGEST,
    MOST_TAGS,
    InertNotebook,
    inert_html,
    inert_markdown,
)


def _markdown(source: str, **cell: object) -> str:
    environment = Environment()
    environment.filters["markdown2html"] = inert_markdown
    return environment.from_string("{{ source | markdown2html }}").render(source=source, cell=cell)


def _rebuilt(*cells: dict[str, Any], **metadata: Any) -> NotebookNode:
    found = from_dict({"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": cells})
    return InertNotebook().preprocess(found, {})[0]


def _attributes(page: str) -> set[str]:
    return {name for tag in BeautifulSoup(page, "html.parser").find_all(True) for name in tag.attrs}


@pytest.mark.parametrize(
    "attack",
    [
        "<script>x()</script>",
        "<SCRIPT SRC=//evil></SCRIPT>",
        "<img src=x onerror=x()>",
        "<svg onload=x()><animate onbegin=x()></svg>",
        "<math><mtext><table><mglyph><style><img src=x onerror=x()>",
        "<noscript><p title='</noscript><img src=x onerror=x()>'>",
        "<a href='java\tscript:x()'>x</a>",
        "<a href=' data:text/html,<script>x()</script>'>x</a>",
        "<iframe srcdoc='<script>x()</script>'></iframe>",
        "<form action=/formgrader/api><button formaction=javascript:x()>x</button></form>",
        "<base href=//evil><meta http-equiv=refresh content='0;url=//evil'><link rel=stylesheet>",
        "<details open ontoggle=x()>",
        "<!--><img src=x onerror=x()>-->",
        "<p style='background:url(javascript:x())'>",
        "<div style='position:fixed;top:0;margin:-99px;background:url(//evil)'>x</div>",
        "<img src='/formgrader/?path=/home/student'><img src=//evil/x.png><img src='../x.png'>",
        "<img src='data:text/html,<script>x()</script>'>",
    ],
)
def test_an_attack_leaves_nothing_that_runs_loads_or_covers(attack: str) -> None:
    page = inert_html(attack)
    assert not re.search(r"script|evil|javascript|url\(|position|margin|formgrader|<form", page), (
        page
    )
    assert {name for name in _attributes(page) if name.startswith("on")} == set()


def test_ids_and_the_classes_of_the_page_are_dropped() -> None:
    page = inert_html('<p id="test-1" class="nbgrader_cell score k ansi-red-fg highlight">x</p>')
    assert page == '<p class="k ansi-red-fg highlight">x</p>'


def test_a_table_of_pandas_keeps_its_shape() -> None:
    table = (
        "<div><style scoped>.dataframe th {color: red}</style>"
        '<table border="1" class="dataframe"><thead><tr style="text-align: right;"><th></th>'
        "<th>loss</th></tr></thead><tbody><tr><th>0</th><td>0.5</td></tr></tbody></table></div>"
    )
    page = inert_html(table)
    assert "color: red" not in page
    assert '<table class="dataframe"><thead><tr style="text-align:right"><th></th>' in page


def test_a_line_of_the_check_package_keeps_its_colour() -> None:
    page = inert_html('<div style="color: #1a7f37; font-weight: bold">✓ the shape is right</div>')
    assert "✓ the shape is right" in page
    assert "color:#1a7f37;font-weight:bold" in page


def test_a_link_is_shown_with_its_address_as_text() -> None:
    assert inert_html('<a href="https://keras.io">Keras</a>') == "Keras (https://keras.io)"
    assert inert_html('<a href="https://keras.io">https://keras.io</a>') == "https://keras.io"


@pytest.mark.parametrize("text", ["x" * (LONGEST + 1), "<div>" * (MOST_TAGS + 1)])
def test_a_page_that_takes_too_long_to_parse_is_shown_as_text(text: str) -> None:
    page = inert_html(text)
    assert page.startswith("<pre>")
    assert "too long" in page
    assert "<div>" not in page


@given(st.text(alphabet="<>/='\"` \n!-abscriptonerrorsvgimghref:;&#x0", max_size=80))
def test_whatever_is_written_no_handler_and_no_script_is_left(text: str) -> None:
    for page in (inert_html(text), _markdown(text)):
        assert "script" not in {tag.name for tag in BeautifulSoup(page, "html.parser").find_all()}
        assert {name for name in _attributes(page) if name.startswith("on")} == set()


@given(st.text(max_size=60))
def test_making_inert_twice_changes_nothing_more(text: str) -> None:
    once = inert_html(text)
    assert inert_html(once) == once


def test_markdown_keeps_headings_mathematics_code_tables_and_folded_text() -> None:
    page = _markdown(
        "## Why\n\n$a<b$ and `x < y`\n\n```python\nimport keras\n```\n\n|a|b|\n|-|-|\n|1|2|\n\n"
        "<details><summary>Tiếng Việt</summary>\n\nVì *thế*.\n\n</details>\n"
    )
    for part in (
        "<h2>Why</h2>",
        "$a&lt;b$",
        "<code>x &lt; y</code>",
        '<span class="kn">import</span>',
        "<th>a</th>",
        "<summary>Tiếng Việt</summary>",
        "<em>thế</em>",
    ):
        assert part in page


def test_markdown_shows_an_attached_picture() -> None:
    attachments = {"x.png": {"image/png": "aGk="}}
    assert 'src="data:image/png;base64,aGk="' in _markdown(
        "![x](attachment:x.png)", attachments=attachments
    )


def test_markdown_that_names_a_missing_attachment_is_shown_as_it_was_written() -> None:
    assert _markdown("![x](attachment:<b>.png)") == "<pre>![x](attachment:&lt;b&gt;.png)</pre>"


def test_an_image_keeps_its_size_only_as_a_number() -> None:
    outputs = [
        {
            "output_type": "display_data",
            "data": {"image/png": "aGk="},
            "metadata": {"image/png": size},
        }
        for size in ({"width": 320, "height": 200}, {"width": "1 onerror=x()", "height": True})
    ]
    cell = {"cell_type": "code", "source": "", "outputs": outputs}
    first, second = _rebuilt(cell).cells[0].outputs
    assert first.metadata == {"image/png": {"width": 320, "height": 200}}
    assert second.metadata == {"image/png": {}}


def test_an_output_without_anything_that_can_be_shown_says_so() -> None:
    data = {"application/javascript": "x()", "application/vnd.jupyter.widget-view+json": {}}
    output = {"output_type": "display_data", "data": data, "metadata": {}}
    notebook = _rebuilt({"cell_type": "code", "source": "", "outputs": [output]})
    assert notebook.cells[0].outputs[0].data == {
        "text/plain": "(an output that cannot be shown here)"
    }


def test_nothing_of_the_notebooks_metadata_but_the_grading_is_kept() -> None:
    about = {"grade_id": "t1", "grade": True, "points": 3, "comment": "<b>", "x": {"y": 1}}
    cell = {
        "cell_type": "code",
        "source": "",
        "metadata": {"nbgrader": about, "tags": ["a"], "transient": {"remove_source": True}},
    }
    notebook = _rebuilt(cell, title="<b>", widgets={"x": 1})
    assert set(notebook.metadata) == {"language_info"}
    assert notebook.cells[0].metadata == {
        "nbgrader": {"grade_id": "t1", "grade": True, "points": 3}
    }


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2)
    ),
    max_leaves=5,
)


@given(
    st.fixed_dictionaries(
        {"cell_type": st.sampled_from(["code", "markdown", "raw", "heading"])},
        optional={
            "id": json_values,
            "source": json_values,
            "metadata": st.dictionaries(st.sampled_from(["nbgrader", "tags", "x"]), json_values),
            "attachments": json_values,
            "execution_count": json_values,
            "outputs": st.lists(
                st.fixed_dictionaries(
                    {
                        "output_type": st.sampled_from(
                            ["stream", "error", "display_data", "execute_result", "x"]
                        )
                    },
                    optional={
                        "name": json_values,
                        "text": json_values,
                        "traceback": json_values,
                        "data": json_values,
                        "metadata": json_values,
                    },
                ),
                max_size=2,
            ),
        },
    )
)
def test_a_notebook_that_breaks_the_format_becomes_one_that_keeps_it(cell: dict[str, Any]) -> None:
    validate(_rebuilt(cell, cell))


def test_an_honest_notebook_keeps_all_that_is_shown() -> None:
    outputs = [
        new_output("stream", text="epoch 1\n"),
        new_output("execute_result", {"text/plain": "0.97"}, execution_count=2),
    ]
    given_cells = [
        new_markdown_cell("# Title"),
        new_code_cell("model.fit()", outputs=outputs, execution_count=2),
    ]
    kept, _ = InertNotebook().preprocess(new_notebook(cells=given_cells), {})
    assert [cell.source for cell in kept.cells] == ["# Title", "model.fit()"]
    assert kept.cells[1].execution_count == 2
    assert [output.output_type for output in kept.cells[1].outputs] == ["stream", "execute_result"]
