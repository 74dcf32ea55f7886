"""The language check finds a bad example of each rule and passes a good one."""

from pathlib import Path

import pytest

from tools import prose

# In the order of the rules: text that breaks the rule, and text that says the same in plain English.
EXAMPLES = [
    ("The teacher whom the group belongs to.", "The teacher of the group."),
    ("Who is erased leaves no trace.", "Erased students leave no trace."),
    ("The file is read anew.", "The file is read again."),
    ("It stores a digest besides.", "It also stores a digest."),
    ("Others write meanwhile.", "Others write concurrently."),
    ("A request in between changes the mark.", "A concurrent request changes the mark."),
    ("All but for the last are sent.", "All except the last are sent."),
    ("Such rows are left aside.", "Such rows are ignored."),
    ("It does not heed the signal.", "It ignores the signal."),
    ("The callback is told the fraction.", "The callback is called with the fraction."),
    ("The head has learnt these faces.", "The head has learned these faces."),
    ("The pack is of another version.", "The pack has another version."),
    ("The file stays as it is.", "The file stays unchanged."),
    ("The photo is theirs no more.", "The photo is no longer theirs."),
    ("It keeps one a student.", "It keeps one per student."),
    ("The next build mends the pack.", "The next build repairs the pack."),
    ("ids = [one.id for one in students]", "ids = [student.id for student in students]"),
    ("MOST_BYTES = 5", "MAX_BYTES = 5"),
    ("most_rows: int = 5", "max_rows: int = 5"),
    ("```make test``` runs the tests.", "`make test` runs the tests."),
]


def advice_for(path: Path, text: str) -> list[str]:
    path.write_text(text + "\n", encoding="utf-8")
    return [finding.advice for finding in prose.check(path)]


def test_every_rule_has_an_example() -> None:
    assert len(EXAMPLES) == len(prose.RULES)


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_a_rule_finds_its_bad_example_and_no_rule_the_good_one(tmp_path: Path, number: int) -> None:
    bad, good = EXAMPLES[number]
    _, advice = prose.RULES[number]
    assert advice in advice_for(tmp_path / "text.js", bad)
    assert advice_for(tmp_path / "text.js", good) == []


@pytest.mark.parametrize(
    ("docstring", "findings"),
    [("What every store promises.", 1), ("The contract of every store.", 0), ("What is stored? Everything.", 0)],
)
def test_a_module_docstring_is_no_indirect_question(tmp_path: Path, docstring: str, findings: int) -> None:
    assert len(advice_for(tmp_path / "module.py", f'"""{docstring}"""')) == findings


@pytest.mark.parametrize(("words", "findings"), [(prose.MAX_SENTENCE_WORDS, 0), (prose.MAX_SENTENCE_WORDS + 1, 1)])
def test_a_sentence_of_the_docs_has_an_upper_limit(tmp_path: Path, words: int, findings: int) -> None:
    lines = [" ".join(["word"] * 10)] * (words // 10) + [" ".join(["word"] * (words % 10)) + "."]
    assert len(advice_for(tmp_path / "page.md", "\n".join(lines))) == findings


def test_lines_of_the_docs_are_wrapped_except_links_and_code(tmp_path: Path) -> None:
    assert len(advice_for(tmp_path / "page.md", "ten chars " * 11)) == 1
    assert advice_for(tmp_path / "page.md", f"See [the guide](https://example.org/{'x' * 100}).") == []
    assert advice_for(tmp_path / "page.md", f"```\n{'word ' * 40}\n```") == []


def test_findings_are_printed_and_set_the_exit_status(capsys: pytest.CaptureFixture[str]) -> None:
    assert prose.main([str(prose.ROOT / "tests" / "unit" / "test_prose.py")]) == 1
    assert "tests/unit/test_prose.py:" in capsys.readouterr().out
    assert prose.main([str(prose.ROOT / "tests" / "__init__.py")]) == 0
