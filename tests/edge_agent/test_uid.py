"""What names a card: a UID of a known size that is not drawn at random."""

from __future__ import annotations

import pytest

from edge_agent.drivers.reader import uid


@pytest.mark.parametrize(
    ("answer", "number"),
    [
        ("112233449000", "11223344"),
        ("041122334455669000", "04112233445566"),
        ("0411223344556677889A9000", "0411223344556677889A"),
        ("082233445566779000", "08223344556677"),
        ("082233449000", ""),  # random
        ("04112233449000", ""),  # no such length
        ("112233446300", ""),
        ("9000", ""),
        ("6A81", ""),
    ],
)
def test_a_uid_is_told_as_it_is_unless_it_names_nothing(answer, number):
    assert uid.named(bytes.fromhex(answer)).hex().upper() == number


def test_the_question_is_the_readers_own():
    assert bytes.fromhex("FFCA000000") == uid.ASK
