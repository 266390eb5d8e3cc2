"""Activations: torch's, and the seeds of our own."""

from jaxact.activations.exponential import celu, elu, selu
from jaxact.activations.gated import gelu, glu, hardswish, mish, silu, swish
from jaxact.activations.rectifiers import hardtanh, leaky_relu, prelu, relu, relu6, rrelu, threshold
from jaxact.activations.shrinkage import hardshrink, softshrink, tanhshrink
from jaxact.activations.sigmoidal import hardsigmoid, logsigmoid, sigmoid, softplus, softsign, tanh
from jaxact.activations.softmax import gumbel_softmax, log_softmax, softmax, softmax2d, softmin

__all__ = [
    "celu",
    "elu",
    "gelu",
    "glu",
    "gumbel_softmax",
    "hardshrink",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "leaky_relu",
    "log_softmax",
    "logsigmoid",
    "mish",
    "prelu",
    "relu",
    "relu6",
    "rrelu",
    "selu",
    "sigmoid",
    "silu",
    "softmax",
    "softmax2d",
    "softmin",
    "softplus",
    "softshrink",
    "softsign",
    "swish",
    "tanh",
    "tanhshrink",
    "threshold",
]
