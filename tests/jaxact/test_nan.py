"""nan reaches the result in arrays of any length.

XLA's maxima and minima drop nan in reductions of 1,000 numbers or more (jax 0.10.2 on CPUs).
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxact.functional as F
import jaxact.regularizers as R

SHAPE = (4, 3000)
DRAW = np.random.default_rng(0)
SHARES = jnp.asarray(DRAW.uniform(0.1, 0.9, SHAPE), jnp.float32)
NORMAL = jnp.asarray(DRAW.standard_normal(SHAPE), jnp.float32)
LABELS = np.zeros(SHAPE[0], np.int32)
COLUMN_LABELS = np.zeros(SHAPE[1], np.int32)

ALONG_AN_AXIS = {
    name: call
    for dim in (0, 1)
    for name, call in {
        f"softmax along {dim}": lambda x, dim=dim: F.softmax(x, dim),
        f"softmin along {dim}": lambda x, dim=dim: F.softmin(x, dim),
        f"log_softmax along {dim}": lambda x, dim=dim: F.log_softmax(x, dim),
        f"normalize by the largest along {dim}": lambda x, dim=dim: F.normalize(x, np.inf, dim),
        f"normalize along {dim}": lambda x, dim=dim: F.normalize(x, 2, dim),
    }.items()
}
TO_A_NUMBER = {
    "cross_entropy of rows": lambda x: F.cross_entropy(x, LABELS),
    "cross_entropy of columns": lambda x: F.cross_entropy(x.T, COLUMN_LABELS),
    "cross_entropy with probabilities": lambda x: F.cross_entropy(x, SHARES),
    "linear_cross_entropy": lambda x: F.linear_cross_entropy(x, NORMAL, LABELS),
    "binary_cross_entropy": lambda x: F.binary_cross_entropy(SHARES + 0 * x, SHARES),
    "binary_cross_entropy of targets": lambda x: F.binary_cross_entropy(SHARES, SHARES + 0 * x),
    "binary_cross_entropy_with_logits": lambda x: F.binary_cross_entropy_with_logits(x, SHARES),
    "huber_loss": lambda x: F.huber_loss(x, SHARES),
    "smooth_l1_loss": lambda x: F.smooth_l1_loss(x, SHARES),
    "gaussian_nll_loss": lambda x: F.gaussian_nll_loss(NORMAL, NORMAL, SHARES + 0 * x),
    "poisson_nll_loss": lambda x: F.poisson_nll_loss(x, SHARES),
    "cosine_similarity": lambda x: F.cosine_similarity(x, NORMAL).sum(),
    "pairwise_distance": lambda x: F.pairwise_distance(x, NORMAL, p=np.inf).sum(),
    "triplet_margin_loss": lambda x: F.triplet_margin_loss(x, NORMAL, SHARES, swap=True),
    "the total norm": lambda x: R.get_total_norm([x]),
    "the largest norm": lambda x: R.get_total_norm([x], np.inf),
    "the largest norm, traced": lambda x: R.get_total_norm([x], jnp.float32(np.inf)),
    "relu": lambda x: F.relu(x).sum(),
    "hardtanh": lambda x: F.hardtanh(x).sum(),
    "relu6": lambda x: F.relu6(x).sum(),
    "gelu": lambda x: F.gelu(x, approximate="tanh").sum(),
    "silu": lambda x: F.silu(x).sum(),
}


def _with_one_nan(x):
    return x.at[1, 7].set(jnp.nan)


@pytest.mark.parametrize("call", ALONG_AN_AXIS.values(), ids=ALONG_AN_AXIS)
@pytest.mark.parametrize("compiled", [False, True])
def test_one_nan_makes_its_whole_row_nan(call, compiled):
    found = (jax.jit(call) if compiled else call)(_with_one_nan(NORMAL))
    affected = jnp.isnan(call(jnp.full(SHAPE, 1.0).at[1, 7].set(jnp.nan)[:, :16]))
    assert jnp.isnan(found[:, :16]).tolist() == affected.tolist()
    assert jnp.isnan(found).any()


@pytest.mark.parametrize("call", TO_A_NUMBER.values(), ids=TO_A_NUMBER)
@pytest.mark.parametrize("compiled", [False, True])
def test_one_nan_makes_the_number_nan(call, compiled):
    assert not jnp.isnan(call(NORMAL))
    assert jnp.isnan((jax.jit(call) if compiled else call)(_with_one_nan(NORMAL)))
