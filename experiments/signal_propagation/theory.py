"""What the theory of infinitely wide networks expects, by recursion over the layers.

Poole et al., "Exponential expressivity in deep neural networks through transient chaos", 2016;
Schoenholz et al., "Deep Information Propagation", 2017. In a wide network what enters a layer's
activation is normal; for each image its variance q and that of its gradient, g, follow

    q_1 = v_1 |x|²,    q_l+1 = width v E φ(√q_l z)²,    g_l = width v E φ'(√q_l z)² g_l+1,

with weights of variance v and z ~ N(0, 1). Images of different norms may part: what the networks
give on average over the images is the average of their recursions.
"""

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from experiments.signal_propagation.networks import Activation
from experiments.signal_propagation.signals import Signals

# Even steps converge as fast as any quadrature for smooth functions; the kink of a rectifier lies
# in the middle of a step.
POINTS = np.linspace(-10, 10, 4000)
DENSITY = np.exp(-(POINTS**2) / 2) / np.sum(np.exp(-(POINTS**2) / 2))


def expected(
    activation: Activation, first: NDArray[np.float64], gain: float, depth: int
) -> Signals:
    """The curves of an infinitely wide network, averaged over the images.

    Args:
        activation: between the layers.
        first: [images], variance of what enters the first activation.
        gain: number of units times the variance of a weight.
        depth: layers.
    """
    forward, slopes = [np.asarray(first)], []
    for _ in range(depth - 1):
        x = np.sqrt(forward[-1])[:, None] * POINTS
        forward.append(gain * _mean_squares(activation, x))
        slopes.append(gain * _mean_squares(_slope(activation), x))
    # The cotangent at the last layer has variance 1.
    backward = np.cumprod([np.ones_like(first), *slopes[::-1]], axis=0)[::-1]
    return Signals(forward=np.mean(forward, axis=1), backward=np.mean(backward, axis=1))


def _slope(activation: Activation) -> Activation:
    return jax.vmap(jax.vmap(jax.grad(activation)))


def _mean_squares(function: Activation, x: NDArray[np.float64]) -> NDArray[np.float64]:
    """[images], over the points."""
    values = np.asarray(function(jnp.asarray(x, jnp.float32)), np.float64)
    return np.square(values) @ DENSITY
