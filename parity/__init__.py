"""parity compares two functions, in any two frameworks, with each other and with the truth.

Importing it loads numpy and the standard library only; a framework is loaded when a row that needs
it runs.
"""

from parity.spec import (
    BadCall,
    Budget,
    Choices,
    Fixed,
    Formula,
    Labels,
    Law,
    ObservedDraw,
    Place,
    Quirk,
    SameSeed,
    Samples,
    Setting,
    Spec,
    Sweep,
    SweepAround,
    Target,
    Template,
    factory,
    module,
    on,
    steps,
)

__all__ = [
    "BadCall",
    "Budget",
    "Choices",
    "Fixed",
    "Formula",
    "Labels",
    "Law",
    "ObservedDraw",
    "Place",
    "Quirk",
    "SameSeed",
    "Samples",
    "Setting",
    "Spec",
    "Sweep",
    "SweepAround",
    "Target",
    "Template",
    "factory",
    "module",
    "on",
    "steps",
]
