"""The report in HTML: everything is in it, nothing else is needed, and hostile text stays text."""

import copy
from html.parser import HTMLParser

import pytest

from parity.report.html import number, render, ulp

HOSTILE = "<script>alert('& \"gotcha\"')</script>"
VOID = {"meta", "link", "input", "br"}


def _case(name="mish", **changes):
    case = {
        "family": "activations",
        "function": name,
        "params": {},
        "dtype": "float32",
        "check": "forward",
        "outcome": "within",
        "message": "",
        "traceback": "",
        "budget": {"ulp": 4, "floor": 2, "reason": "measured with care"},
        "distance": {
            "subject_reference": 3.0,
            "subject_truth": 1.25,
            "reference_truth": 1.5e7,
            "spread": 2.0,
        },
        "worst": {"input": [0.5], "subject": 0.25, "reference": 0.125, "truth": 0.2500001},
        "quirks": [],
        "seconds": 0.125,
    }
    case.update(changes)
    setting = ",".join(f"{key}={value}" for key, value in case["params"].items())
    parts = (case["family"], name, setting, case["dtype"], case["check"])
    case["id"] = "/".join(part for part in parts if part)
    case.setdefault("snippet", "")
    case["replay"] = f"python -m parity replay {case['id']} --seed 17"
    return case


def _unmeasured(check, **changes):
    nothing = dict.fromkeys(("subject_reference", "subject_truth", "reference_truth", "spread"))
    return _case(check=check, dtype="any", distance=nothing, worst=None, budget=None, **changes)


def _curve(**changes):
    x = [-(2.0**e) for e in range(100, -101, -1)] + [2.0**e for e in range(-100, 101)]
    zeros = [0.0] * len(x)
    columns = ("value", "slope", "value_ulp_subject", "value_ulp_reference")
    return {
        "function": "mish",
        "params": {},
        "dtype": "float32",
        "x": x,
        **dict.fromkeys((*columns, "slope_ulp_subject", "slope_ulp_reference"), zeros),
        **changes,
    }


def _results(*cases, curves=()):
    return {
        "schema": 2,
        "summary": {},
        "environment": {
            "date": "2030-01-02T03:04:05+00:00",
            "seed": 17,
            "python": "3.11.7",
            "platform": "Linux",
            "cpu": "A Processor",
            "gpu": None,
            "packages": {"torch": "2.13.0", "jax": "0.10.2"},
            "subnormals": "count as zero in float32",
        },
        "cases": list(cases),
        "curves": list(curves),
    }


class _Page(HTMLParser):
    """What a browser makes of the page, as far as the tests ask."""

    def __init__(self, html):
        super().__init__()
        self.open, self.tags, self.words, self.attributes = [], [], [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, *attr) for attr in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, *attr) for attr in attrs]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("script", "style"):
            self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())

    def values(self, attribute):
        return [value for _, name, value in self.attributes if name == attribute]


def _page(*cases, curves=()):
    page = _Page(render(_results(*cases, curves=curves)))
    assert page.open == [], "every element is closed"
    return page


def test_the_verdict_comes_first_and_counts_outcomes():
    page = _page(_case(), _case(check="vjp", outcome="exact"), _case(check="jvp", outcome="exact"))
    assert "3 cases, none failed" in page.text
    assert "= exact 2" in page.text
    assert "≈ within 1" in page.text


def test_a_failure_changes_the_verdict_and_stands_before_everything_else():
    failing = _case("tanh", outcome="mismatch", message="out at 1.0: far off")
    text = _page(_case(), failing).text
    assert "1 of 2 cases failed" in text
    assert text.index("out at 1.0: far off") < text.index("activations/mish/float32/forward")
    assert text.index("python -m parity replay activations/tanh/float32/forward --seed 17") < (
        text.index("activations/mish/float32/forward")
    )


@pytest.mark.parametrize("outcome", ["mismatch", "stale", "error", "not_run"])
def test_every_failing_outcome_fails_the_page(outcome):
    assert "1 of 1 cases failed" in _page(_case(outcome=outcome)).text


def test_no_case_at_all_is_no_success():
    text = _page().text
    assert "Nothing was compared" in text
    assert "none failed" not in text


def test_the_page_says_where_and_with_what_it_was_made():
    text = _page(_case()).text
    for fact in (
        "2030-01-02 03:04:05 UTC",
        "17",
        "A Processor",
        "3.11.7",
        "count as zero in float32",
    ):
        assert fact in text
    assert "torch 2.13.0" in text
    assert "GPU" not in text


def test_every_case_is_listed_with_its_distances_budget_and_worst_point():
    cases = [
        _case(dtype=dtype, check=c) for dtype in ("float32", "float64") for c in ("jit", "vjp")
    ]
    page = _page(*cases)
    for case in cases:
        assert page.words.count(case["id"]) == 1
    assert "1.2 1.5e7 3 2 4 ulp, floor 2: measured with care 0.5 0.25 0.125 0.2500001" in page.text


def test_a_cell_shows_the_worst_of_all_settings():
    large = {**_case()["distance"], "subject_truth": "inf"}
    settings = [_case(), _case(params={"beta": 2.0}, outcome="closer", distance=large)]
    assert "float32 ◎ closer ∞ / 1.5e7 3 / 2" not in _page(_case()).text
    assert "float32 ◎ closer ∞ / 1.5e7 3 / 2" in _page(*settings).text


def test_quirks_are_told_with_reason_source_and_place():
    quirk = {"reason": "torch flips a sign", "source": "https://example.org/1"}
    page = _page(_case(outcome="quirk", quirks=[quirk]))
    assert "torch flips a sign" in page.text
    assert "Observed in: float32 forward" in page.text
    assert "https://example.org/1" in page.values("href")


def test_a_source_that_is_no_web_address_is_no_link():
    quirk = {"reason": "r", "source": "javascript:alert(1)"}
    page = _page(_case(outcome="quirk", quirks=[quirk]))
    assert "javascript:alert(1)" in page.text
    assert not [href for href in page.values("href") if "javascript" in href]


def test_hostile_text_stays_text():
    case = _case(HOSTILE, outcome="error", message=HOSTILE, params={HOSTILE: HOSTILE})
    case["quirks"] = [{"reason": HOSTILE, "source": HOSTILE}]
    case["worst"] = {"input": [HOSTILE], "subject": HOSTILE, "reference": None, "truth": "nan"}
    results = _results(case, curves=[_curve(function=HOSTILE, params={HOSTILE: HOSTILE})])
    results["environment"] = dict.fromkeys(results["environment"], HOSTILE)
    results["environment"]["packages"] = {HOSTILE: HOSTILE}
    html = render(results)
    page = _Page(html)
    assert page.open == []
    assert page.tags.count("script") == 1
    assert HOSTILE not in html
    assert HOSTILE in page.text
    assert not [name for _, name, _ in page.attributes if name.startswith("on")]


def test_the_page_loads_nothing():
    html = render(_results(_case(), curves=[_curve()]))
    page = _Page(html)
    assert page.values("src") == []
    assert all(href.startswith(("#", "data:")) for href in page.values("href"))
    assert "@import" not in html
    assert "url(" not in html
    assert "http" not in html


def test_ids_are_unique_and_links_lead_to_them():
    names = ("a-b", "a b", "mish")
    cases = [_case(name) for name in names] + [_case("mish", outcome="error", family="losses")]
    page = _page(*cases, curves=[_curve(), _curve(params={"beta": 2.0})])
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    targets = [href[1:] for href in page.values("href") if href.startswith("#")]
    named = [*targets, *page.values("aria-labelledby")]
    assert set(named) <= set(ids)
    assert len(targets) >= len(cases)


def test_what_was_not_measured_is_a_dash():
    page = _page(_unmeasured("error"), _unmeasured("signature"))
    assert "×1" in page.text
    assert "– – – –" in page.text


def test_a_function_without_curves_says_so():
    assert "No plot" in _page(_case()).text
    assert "figure" not in _page(_case()).tags


def test_results_without_the_key_for_curves_render():
    results = _results(_case())
    del results["curves"]
    assert "No plot" in render(results)


def test_every_curve_has_its_shape_and_both_errors_told_in_words():
    errors = [0.0] * 401 + ["inf"]
    page = _page(
        _case(),
        curves=[_curve(value_ulp_subject=[0.75] * 402, value_ulp_reference=errors)],
    )
    assert page.tags.count("figure") == 3
    labels = page.values("aria-label")
    assert any(
        "Error of the value" in x and "ours at most 0.75" in x and "torch at most inf" in x
        for x in labels
    )
    assert any("Error of the slope" in x and "ours at most 0 ulp" in x for x in labels)


def test_curves_with_gaps_and_without_points_render():
    n = len(_curve()["x"])
    broken = _curve(value=["nan"] * n, value_ulp_subject=["nan"] * n, slope_ulp_subject=[None] * n)
    empty = {key: [] if isinstance(value, list) else value for key, value in _curve().items()}
    page = _page(_case(), curves=[broken, empty])
    assert page.tags.count("figure") == 2


def test_rendering_leaves_the_results_alone():
    results = _results(_case(), _unmeasured("law"), curves=[_curve()])
    before = copy.deepcopy(results)
    assert render(results) == render(results)
    assert results == before


@pytest.mark.parametrize(
    ("distance", "text"),
    [
        (None, "–"),
        (0.0, "0"),
        (0.4999, "0.5"),
        (9.96, "10"),
        (99999.0, "99999"),
        (1.5e7, "1.5e7"),
        ("inf", "∞"),
    ],
)
def test_distances_are_short(distance, text):
    assert ulp(distance) == text


def test_numbers_keep_the_digits_of_float32():
    assert number(0.10000000149011612) == "0.100000001"
    assert number(None) == "–"
    assert number("nan") == "nan"
    assert number([0.25]) == "[0.25]"
