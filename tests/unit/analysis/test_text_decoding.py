from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_release_plugin.analysis.closure import compute_closure
from airflow_release_plugin.analysis.text_decoding import decode_text
from airflow_release_plugin.analysis.text_diff import diff_texts
from airflow_release_plugin.exceptions import UnitError
from tests.harness.mapping_files import MappingFiles

GBK = "# -*- coding: gbk -*-\nNAME = '\u8ba2\u5355'\n"


@pytest.mark.parametrize(
    ("data", "text", "encoding"),
    [
        (b"", "", "utf-8"),
        ("caf\u00e9".encode(), "caf\u00e9", "utf-8"),
        (GBK.encode("gbk"), GBK, "gbk"),
        (b"#!/usr/bin/python\n# vim: set fileencoding=latin-1 :\n'\xe9'", None, "iso8859-1"),
        (b"x = 1\n# coding: gbk\n\xc3\xa9", None, "utf-8"),
        (b"\n\n# coding: gbk\n'\xe9'", None, "latin-1"),
        (b"# coding: no-such\n", None, "utf-8"),
        (b"# coding: punycode\n", None, "utf-8"),
        (b"# coding: rot13\nabc", None, "utf-8"),
        (b"# coding: gbk\n\xff\xff\xff", None, "latin-1"),
        (b"\xef\xbb\xbf# coding: utf-8\n", None, "utf-8"),
    ],
)
def test_a_file_is_read_in_the_encoding_that_python_reads_it_in(
    data: bytes, text: str | None, encoding: str
) -> None:
    found, name = decode_text(data)

    assert (name, found if text is not None else None) == (encoding, text)


@pytest.mark.parametrize(
    "data", [b"# coding: utf-7\nx = '+2AA-'\n", b"# coding: unicode_escape\nx = '\\ud800'\n"]
)
def test_what_no_page_can_hold_is_replaced(data: bytes) -> None:
    text, _ = decode_text(data)
    assert text.encode().splitlines()[1] == "x = '\ufffd'".encode()


@given(st.binary(max_size=300))
def test_any_bytes_are_a_text(data: bytes) -> None:
    assert isinstance(decode_text(b"# coding: utf-16\n" + data)[0], str)


def test_a_file_in_its_own_encoding_is_diffed_as_people_wrote_it() -> None:
    diff = diff_texts(GBK.encode("gbk"), GBK.replace("\u8ba2", "\u8d27").encode("gbk"))

    assert [line.text for line in diff.hunks[0].lines][1:] == [
        "NAME = '\u8ba2\u5355'",
        "NAME = '\u8d27\u5355'",
    ]
    assert diff.encoding == "gbk"


def test_a_file_that_is_saved_in_another_encoding_differs_in_what_it_names_only() -> None:
    after = GBK.replace("gbk", "utf-8")
    diff = diff_texts(GBK.encode("gbk"), after.encode())

    assert (diff.added, diff.removed) == (1, 1)


def test_a_dag_file_that_airflow_could_not_keep_is_refused() -> None:
    with pytest.raises(UnitError, match=r"'etl.py' is no UTF-8 but gbk: .* Save the file as UTF-8"):
        compute_closure(MappingFiles({"etl.py": GBK.encode("gbk")}), "etl.py")


def test_a_module_in_its_own_encoding_is_taken() -> None:
    files = MappingFiles({"etl.py": b"import names", "names.py": GBK.encode("gbk")})

    assert [file.path for file in compute_closure(files, "etl.py").files] == ["etl.py", "names.py"]
