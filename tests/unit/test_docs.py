from __future__ import annotations

import ast
import json
import re
import textwrap
from collections.abc import Iterator
from configparser import ConfigParser
from functools import cache
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import airflow
import pytest
from babel.messages.pofile import read_po

import airflow_release_plugin
from airflow_release_plugin.exceptions import ReleaseError
from airflow_release_plugin.get_provider_info import get_provider_info
from airflow_release_plugin.models import metadata
from airflow_release_plugin.plugin import ReleasePlugin
from scripts import generate_docs

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "airflow_release_plugin"
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
IMAGES = sorted(p for p in (ROOT / "docs" / "images").rglob("*") if p.suffix in {".png", ".svg"})
CHINESE = sorted((ROOT / "docs" / "zh").glob("*.md"))
LINK = re.compile(r"""(?:\]\(|src="|srcset=")(?!https?://)([^)\s"]+)""")
BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^ *```$", re.M | re.S)
HEADING = re.compile(r"^#+ (.+)$", re.M)
INVARIANTS = ROOT / "docs" / "concepts" / "invariants.md"
INVARIANT = re.compile(r"^## (\d+)\. .+\n((?:(?!## ).*\n)+)", re.M)
CITATION = re.compile(r"\b[Ii]nvariants? (\d+(?:(?:, | and )\d+)*)( \(docs/concepts/invariants\.md\))?")
HOLDS = re.compile(r"`([\w/.]+\.(?:py|toml))::([\w:-]+)`")
QUOTED = re.compile(r"""`[^`\n]*`|\*{1,2}[^*]+\*{1,2}|"[^"\n]*\"""")
SECURITY = ROOT / "docs" / "concepts" / "security.md"
GLOSSARY = ROOT / "docs" / "concepts" / "glossary.md"
WORD = re.compile(r"^### (.+)\n((?:(?!##).*\n)+)", re.M)
MAPPED = [ROOT / "CONTRIBUTING.md", ROOT / "docs" / "concepts" / "architecture.md", INVARIANTS]
PATH = re.compile(r"`((?:[\w-]+/)*[\w-]+(?:/|\.(?:py|html|js|md|toml)))`")
CITING = sorted(
    file
    for top in ("airflow_release_plugin", "tests", "tools", "scripts", "demo", "dags", "benchmarks")
    for file in (ROOT / top).rglob("*.py")
    if file != Path(__file__)
)


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path, language: str) -> list[str]:
    return [textwrap.dedent(text) for _, kind, text in BLOCK.findall(page.read_text()) if kind == language]


def anchors(page: Path) -> set[str]:
    """Of the headings, as GitHub makes them."""
    text = BLOCK.sub("", page.read_text())
    plain = (re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading) for heading in HEADING.findall(text))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in plain}


def leads_somewhere(page: Path, link: str) -> bool:
    path, _, anchor = link.partition("#")
    target = page.parent / path if path else page
    return target.exists() and (not anchor or anchor in anchors(target))


def in_english(page: Path) -> Path:
    """The page that one in Chinese is a translation of."""
    return ROOT / page.name if page.name == "README.md" else ROOT / "docs" / page.name


def outline(page: Path) -> list[str]:
    """What a translation keeps: levels of headings, pictures, commands and code; no comments, no diagrams."""
    text = re.sub("^```mermaid\n.*?^```$", "", page.read_text(), flags=re.M | re.S)
    code = [re.sub(r" +# .*", "", found[2]) for found in BLOCK.findall(text)]
    levels = re.findall(r"^#+(?= )", BLOCK.sub("", text), re.M)
    return [*levels, *re.findall(r"[\w-]+\.png", text), *code]


@cache
def words_of_pages_in_chinese() -> frozenset[str]:
    """What our pages and Airflow's show in Simplified Chinese, and names that Airflow shows as they are."""

    def leaves(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            for each in value.values():
                yield from leaves(each)
        else:
            yield value

    with (PACKAGE / "translations/zh_CN/LC_MESSAGES/messages.po").open("rb") as file:
        ours = [message.string for message in read_po(file) if isinstance(message.string, str)]
    airflows = (Path(airflow.__file__).parent / "ui/dist/i18n/locales/zh-CN").glob("*.json")
    theirs = [leaf for file in airflows for leaf in leaves(json.loads(file.read_text()))]
    return frozenset([*ours, *theirs, *(view["name"] for view in ReleasePlugin.external_views)])


def error_codes(root: type[ReleaseError] = ReleaseError) -> set[str]:
    return {root.code}.union(*map(error_codes, root.__subclasses__()))


def cited(text: str) -> list[tuple[set[int], bool]]:
    """Numbers of invariants, and whether it says where these are."""
    return [
        ({int(n) for n in re.findall(r"\d+", found[1])}, bool(found[2])) for found in CITATION.finditer(text)
    ]


def security_rows(text: str) -> list[list[str]]:
    """Cells of the rows of all tables, without heads."""
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in re.findall(r"^\|.+$", text, re.M)
    ]
    return [row for row in rows if row[0] != "who" and not set(row[0]) <= {"-"}]


def runs_with_both_managers(file: str, name: str) -> bool:
    """Whether a test is parametrised with the auth managers: itself, by its module, or by a fixture there."""
    body = ast.parse((ROOT / file).read_text()).body
    functions = {node.name: node for node in body if isinstance(node, ast.FunctionDef)}
    test = functions[name]
    fixtures = (functions[arg.arg] for arg in test.args.args if arg.arg in functions)
    marks = [
        node.value for node in body if isinstance(node, ast.Assign) and "pytestmark" in ast.unparse(node)
    ]
    decorated = [mark for node in (test, *fixtures) for mark in node.decorator_list]
    return any("MANAGERS" in ast.unparse(node) for node in [*marks, *decorated])


def names_in(file: str) -> set[str]:
    """What can be named in a file: tests and functions, in their classes; ids of contracts on imports."""
    if file == "pyproject.toml":
        return set(re.findall(r'^id = "([\w-]+)"$', (ROOT / file).read_text(), re.M))
    body = ast.parse((ROOT / file).read_text()).body if (ROOT / file).is_file() else []
    classes = [node for node in body if isinstance(node, ast.ClassDef)]
    scopes = [("", body), *((f"{cls.name}::", cls.body) for cls in classes)]
    return {
        f"{scope}{node.name}"
        for scope, nodes in scopes
        for node in nodes
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def class_names() -> set[str]:
    return {
        name for file in PACKAGE.rglob("*.py") for name in re.findall(r"^class (\w+)", file.read_text(), re.M)
    }


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.M))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_inside_the_repository_lead_somewhere(page: Path) -> None:
    text = BLOCK.sub("", page.read_text())

    assert [link for link in LINK.findall(text) if not leads_somewhere(page, link)] == []


@pytest.mark.parametrize("page", CHINESE, ids=name_of)
def test_a_translation_has_the_sections_pictures_and_code_of_its_original(page: Path) -> None:
    assert outline(page) == outline(in_english(page))


@pytest.mark.parametrize("page", CHINESE, ids=name_of)
def test_a_translation_and_its_original_lead_to_each_other(page: Path) -> None:
    for one, other in ((page, in_english(page)), (in_english(page), page)):
        links = LINK.findall(one.read_text().splitlines()[0])
        assert [(one.parent / link).resolve() for link in links] == [other]


def test_the_tutorial_in_chinese_has_the_words_of_the_pages() -> None:
    named = set(re.findall(r"\*\*([^*]+)\*\*", (ROOT / "docs" / "zh" / "tutorial.md").read_text()))

    assert len(named) > 10
    assert named - words_of_pages_in_chinese() == set()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_that_pages_name_exist(page: Path) -> None:
    named = set(re.findall(r"(?:`|^)make ([a-z0-9-]+)", page.read_text(), re.M))

    assert named <= make_targets()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_python_on_pages_is_python(page: Path) -> None:
    for code in blocks(page, "python"):
        ast.parse(code)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_release_settings_on_pages_exist(page: Path) -> None:
    known = get_provider_info()["config"]["release"]["options"]
    text = "\n".join(blocks(page, "ini"))
    sections = re.findall(r"^\[release\]\n(.*?)(?=^\[|\Z)", text, re.M | re.S)
    used = {key for section in sections for key in re.findall(r"^(\w+) *=", section, re.M)}

    assert used <= known.keys()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_bundles_on_pages_can_be_configured_like_that(page: Path) -> None:
    for text in blocks(page, "ini"):
        parser = ConfigParser(interpolation=None)
        parser.read_string(text)
        bundles = json.loads(parser.get("dag_processor", "dag_bundle_config_list", fallback="[]"))

        assert all(set(bundle) == {"name", "classpath", "kwargs"} for bundle in bundles)
        assert all(callable(resolve_name(bundle["classpath"])) for bundle in bundles)


@pytest.mark.parametrize("page", generate_docs.pages(), ids=name_of)
def test_generated_parts_say_what_the_code_says(page: Path) -> None:
    text = page.read_text()

    assert text == generate_docs.rendered(text), f"run {generate_docs.COMMAND}"


def test_every_generated_part_is_on_a_page() -> None:
    used = {
        part[1] for page in generate_docs.pages() for part in generate_docs.PART.findall(page.read_text())
    }

    assert used == generate_docs.PARTS.keys()


def test_the_invariants_are_numbered_in_order() -> None:
    assert [int(number) for number, _ in INVARIANT.findall(INVARIANTS.read_text())] == list(range(1, 16))


@pytest.mark.parametrize(
    "text", [pytest.param(text, id=number) for number, text in INVARIANT.findall(INVARIANTS.read_text())]
)
def test_what_holds_an_invariant_exists_or_it_says_what_is_missing(text: str) -> None:
    held = HOLDS.findall(text)

    assert held or "**Not true yet.**" in text
    assert [f"{file}::{name}" for file, name in held if name not in names_in(file)] == []


@pytest.mark.parametrize("row", security_rows(SECURITY.read_text()), ids="-".join)
def test_who_can_do_what_is_shown_by_tests_that_exist(row: list[str]) -> None:
    shown = HOLDS.findall(row[-1])

    assert len(row) == 4
    assert re.match("(yes|no)(,|$)", row[2])
    assert shown
    assert [f"{file}::{name}" for file, name in shown if name not in names_in(file)] == []


@pytest.mark.parametrize("row", security_rows(SECURITY.read_text().split("## With code")[0]), ids="-".join)
def test_what_a_login_can_do_is_shown_with_both_auth_managers(row: list[str]) -> None:
    shown = HOLDS.findall(row[-1])

    assert any(runs_with_both_managers(file, name) for file, name in shown)


def test_invariants_are_cited_by_numbers_that_exist() -> None:
    known = {int(number) for number, _ in INVARIANT.findall(INVARIANTS.read_text())}
    found = {name_of(file): cited(file.read_text()) for file in [*CITING, *PAGES]}

    unknown = {name for name, places in found.items() if any(not numbers <= known for numbers, _ in places)}
    assert unknown == set()
    assert sum(map(len, found.values())) >= 8


def test_code_that_cites_an_invariant_says_where_it_is() -> None:
    found = {name_of(file): cited(file.read_text()) for file in CITING}

    assert {name for name, places in found.items() if not all(says for _, says in places)} == set()


@pytest.mark.parametrize(
    "text", [pytest.param(text, id=word) for word, text in WORD.findall(GLOSSARY.read_text())]
)
def test_a_word_says_what_it_is_not_and_where_it_lives(text: str) -> None:
    assert "*Not* " in text
    *parts, page = text.strip().splitlines()[-1].split(" · ")
    named = {part.partition(" ")[0]: set(re.findall(r"`(\w+)`", part)) for part in parts}

    assert named.keys() <= {"Class", "table", "tables"}
    assert named.get("Class", set()) <= class_names()
    assert named.get("table", set()) | named.get("tables", set()) <= set(metadata.tables)
    assert re.fullmatch(r"\[[^]]+\]\([^)]+\)", page)


def test_every_word_and_class_stands_once_in_the_glossary() -> None:
    words = WORD.findall(GLOSSARY.read_text())
    classes = [name for _, text in words for name in re.findall(r"`(\w+)`", text.strip().splitlines()[-1])]

    assert len({word.lower() for word, _ in words}) == len(words)
    assert len(set(classes)) == len(classes)


@pytest.mark.parametrize("page", MAPPED, ids=name_of)
def test_files_that_the_maps_name_exist(page: Path) -> None:
    roots = [ROOT, PACKAGE, PACKAGE / "views" / "templates"]
    named = set(PATH.findall(BLOCK.sub("", page.read_text())))

    assert {path for path in named if not any((root / path).exists() for root in roots)} == set()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_pages_say_dag_in_capitals_where_they_quote_nothing(page: Path) -> None:
    prose = QUOTED.sub("", BLOCK.sub("", generate_docs.PART.sub("", page.read_text())))

    assert re.findall(r".*\bDags?\b.*", prose) == []


def test_tests_name_only_requirements_that_are_listed() -> None:
    listed = re.findall(r"^\| (R\d+) \|", (ROOT / "docs/reference/requirements.md").read_text(), re.M)

    assert set(generate_docs.tests_by_requirement()) <= set(listed)
    assert len(listed) == len(set(listed))


@pytest.mark.parametrize("code", sorted(error_codes()))
def test_every_error_has_a_next_step_in_troubleshooting(code: str) -> None:
    assert f"`{code}`" in (ROOT / "docs/how-to/troubleshooting.md").read_text()


def test_every_table_is_described() -> None:
    described = re.findall(r"^### `(\w+)`", (ROOT / "docs/reference/database.md").read_text(), re.M)

    assert set(described) == set(metadata.tables)


@pytest.mark.parametrize("image", IMAGES, ids=lambda image: image.name)
def test_a_picture_is_small_and_on_a_page(image: Path) -> None:
    assert image.stat().st_size <= 250_000
    link = image.relative_to(ROOT / "docs").as_posix()
    assert any(link in page.read_text() for page in PAGES)


def test_every_page_of_the_documentation_is_in_its_index() -> None:
    index = ROOT / "docs" / "index.md"
    listed = {(index.parent / link.partition("#")[0]).resolve() for link in LINK.findall(index.read_text())}
    expected = {page for page in PAGES if index.parent in page.parents} - {index, *DECISIONS}

    assert expected - listed == set()


def test_the_list_of_decisions_names_each() -> None:
    text = (ROOT / "docs" / "decisions" / "README.md").read_text()

    assert re.findall(r"\(([^)]+\.md)\) \|", text) == [page.name for page in DECISIONS]


def test_no_two_decisions_have_the_same_number() -> None:
    numbers = [page.name.partition("-")[0] for page in DECISIONS]

    assert len(numbers) == len(set(numbers))


@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.stem)
def test_a_decision_says_why_what_and_at_which_price_in_a_page(page: Path) -> None:
    text = page.read_text()

    assert text.startswith(f"# {int(page.name.partition('-')[0])}. ")
    assert [part for part in ("Context", "Decision", "Consequences") if part not in text] == []
    assert len(text.splitlines()) <= 60


def test_a_released_version_is_in_the_changelog() -> None:
    headings = re.findall(r"^## \[?(\S+?)\]?(?: |$)", (ROOT / "CHANGELOG.md").read_text(), re.M)

    assert headings[0] == "Unreleased"
    assert len(headings) == 1 or headings[1] == airflow_release_plugin.__version__
