"""Tables and verdicts as Markdown, for pages of the documentation."""

from collections.abc import Iterable, Sequence

from experiments.study import Verdict


def table(header: Sequence[str], rows: Iterable[Sequence[str]], words: int = 1) -> str:
    """A table whose first `words` columns are words and whose others are numbers."""
    rule = ["---"] * words + ["--:"] * (len(header) - words)
    return "".join("| " + " | ".join(cells) + " |\n" for cells in [header, rule, *rows])


def claim(verdict: Verdict) -> str:
    """A verdict as a line of a list."""
    met = "met" if verdict.holds else "**not met**"
    return f"- {verdict.claim}: {met}; {verdict.detail}\n"
