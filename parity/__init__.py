"""parity: two functions, in any two frameworks, compared with each other and with the truth.

Importing it loads numpy and the standard library only; a framework is loaded when a row that needs
it runs.
"""

from parity.spec import (
    BadCall,
    Beside,
    Budget,
    Choices,
    Drawn,
    Formula,
    Given,
    Labels,
    Law,
    Params,
    Place,
    Points,
    Quirk,
    SameSeed,
    Samples,
    Spec,
    Target,
    Template,
    factory,
    module,
    on,
    steps,
)

__all__ = [
    "BadCall",
    "Beside",
    "Budget",
    "Choices",
    "Drawn",
    "Formula",
    "Given",
    "Labels",
    "Law",
    "Params",
    "Place",
    "Points",
    "Quirk",
    "SameSeed",
    "Samples",
    "Spec",
    "Target",
    "Template",
    "factory",
    "module",
    "on",
    "steps",
]
