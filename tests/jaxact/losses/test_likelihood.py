"""Likelihoods and divergences: what no row of the suite shows."""

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
import torch

import jaxact
from jaxact.losses.likelihood import gaussian_nll_loss, kl_div, poisson_nll_loss

INF = float("inf")


def test_where_the_target_is_impossible_the_divergence_and_its_gradient_are_0():
    scores = jnp.array([-1.0, -INF, 0.0])
    losses, pull_back = jax.vjp(lambda x: kl_div(x, jnp.zeros(3), "none"), scores)
    assert losses.tolist() == [0, 0, 0]
    assert pull_back(jnp.ones(3))[0].tolist() == [0, 0, 0]
    impossible = jnp.full(3, -INF)
    losses, pull_back = jax.vjp(lambda *args: kl_div(*args, "none", True), scores, impossible)
    assert losses.tolist() == [0, 0, 0]
    for slope in pull_back(jnp.ones(3)):
        assert slope.tolist() == [0, 0, 0]


def test_the_derivative_in_a_target_of_0_is_the_limit():
    slope = jax.grad(lambda t: kl_div(jnp.float32(-1), t, "sum"))
    assert slope(jnp.float32(0)) == -INF
    np.testing.assert_allclose(slope(jnp.float32(1e-30)), np.log(1e-30) + 2, rtol=1e-6)


def test_a_negative_probability_is_nan():
    assert np.isnan(kl_div(jnp.zeros(1), jnp.array([-1.0]), "sum"))


@pytest.mark.parametrize("shapes", [((4, 3), (4, 3)), ((3,), (4, 3)), ((4, 3), (3,)), ((), (3,))])
def test_batchmean_divides_by_the_first_axis_of_the_input(shapes):
    generator = np.random.default_rng(0)
    x, t = (generator.random(shape).astype(np.float32) for shape in shapes)
    expected = torch.nn.functional.kl_div(torch.tensor(x), torch.tensor(t), reduction="batchmean")
    np.testing.assert_allclose(kl_div(x, t, "batchmean"), expected.numpy(), rtol=1e-5)


def test_batchmean_is_the_divergence_of_distributions():
    p, q = jnp.array([[0.5, 0.25, 0.25], [1.0, 0.0, 0.0]]), jnp.full((2, 3), 1 / 3)
    rows = jnp.array([np.log(3) - 1.5 * np.log(2), np.log(3)])
    np.testing.assert_allclose(kl_div(jnp.log(q), p, "batchmean"), rows.mean(), rtol=1e-6)


def test_a_mean_of_divergences_warns_as_in_torch():
    with pytest.warns(UserWarning, match="batchmean") as caught:
        kl_div(jnp.zeros(3), jnp.ones(3))
    assert caught[0].filename == __file__


def test_an_unknown_reduction_names_all_that_there_are():
    with pytest.raises(
        ValueError, match=r"kl_div: .*'none', 'mean', 'sum' or 'batchmean', got 'men'"
    ):
        kl_div(jnp.zeros(3), jnp.ones(3), "men")


@pytest.mark.parametrize("log_input", [True, False])
@pytest.mark.parametrize("target", [-1.0, 0.0, 0.5, 1.0])
def test_counts_without_stirlings_term_have_the_gradient_of_the_others(log_input, target):
    """torch's gradient in a target of 0 or less is nan."""
    x, t = jnp.float32(0.75), jnp.float32(target)

    def slope(full):
        return jax.grad(lambda t: poisson_nll_loss(x, t, log_input, full))(t)

    assert slope(full=True) == slope(full=False)
    assert np.isfinite(slope(full=True))


@pytest.mark.parametrize("count", [30.0, 1e4, 1e6, 3e7])
@pytest.mark.parametrize("excess", [-0.4, -1e-2, 0.0, 1e-4, 0.3])
@pytest.mark.parametrize("log_input", [True, False])
def test_large_counts_near_their_rate_keep_their_digits(count, excess, log_input):
    """torch's float32 is off by 1 at a count of 1e6, where the loss is about 7.8."""
    t = np.float32(count)
    rate = np.float32(t * np.float32(1 + excess))
    x = np.log(rate, dtype=np.float32) if log_input else rate
    out = float(poisson_nll_loss(x, t, log_input, True))
    with mpmath.workdps(50):
        x_, t_ = mpmath.mpf(float(x)), mpmath.mpf(float(t))
        rate_ = mpmath.exp(x_) if log_input else x_ + mpmath.mpf(1e-8)
        linear = rate_ if log_input else x_
        logarithm = mpmath.log(t_ / rate_)
        true = linear - t_ + t_ * logarithm + mpmath.log(2 * mpmath.pi * t_) / 2
        # Where the rate's last digit alone changes the loss by more than its last digit.
        unavoidable = abs(rate_ - t_) * 3e-7
    assert abs(out - float(true)) <= 1e-6 * abs(float(true)) + float(unavoidable)


def test_the_eps_of_the_poisson_loss_is_differentiated():
    def along(eps):
        return poisson_nll_loss(jnp.float32(0), jnp.float32(2), log_input=False, eps=eps)

    assert jax.grad(along)(0.5) == -4
    assert jax.vmap(along)(jnp.array([0.5, 1.0]))[1] == 0


@pytest.mark.parametrize("value", [None, 1, "yes"])
def test_flags_are_booleans(value):
    with pytest.raises(TypeError, match="log_input must be True or False"):
        poisson_nll_loss(jnp.ones(2), jnp.ones(2), log_input=value)
    with pytest.raises(TypeError, match="log_target must be True or False"):
        kl_div(jnp.ones(2), jnp.ones(2), "sum", value)


def test_poisson_losses_of_integers_are_floats():
    out = poisson_nll_loss(jnp.array([0, 1]), jnp.array([2, 3]), reduction="none")
    assert out.dtype == jnp.float32
    np.testing.assert_allclose(out, [1, np.e - 3], rtol=1e-6)


@pytest.mark.parametrize(
    ("shape", "of_var"),
    [((2, 3), (2, 3)), ((2, 3), (2,)), ((2, 3), (2, 1)), ((2, 3), (1, 3)), ((3, 3), (3,))],
)
def test_variances_are_aligned_as_in_torch(shape, of_var):
    generator = np.random.default_rng(0)
    x, t, v = (generator.random(s).astype(np.float32) for s in (shape, shape, of_var))
    theirs = [torch.tensor(a, requires_grad=True) for a in (x, t, v)]
    expected = torch.nn.functional.gaussian_nll_loss(*theirs)
    slopes = torch.autograd.grad(expected, theirs)
    out, ours = jax.value_and_grad(gaussian_nll_loss, (0, 1, 2))(x, t, v)
    np.testing.assert_allclose(out, expected.detach().numpy(), rtol=1e-5)
    for slope, wanted in zip(ours, slopes, strict=True):
        np.testing.assert_allclose(slope, wanted.numpy(), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("shape", "of_var"),
    [((2, 3), (3,)), ((2, 3), (1, 1)), ((2, 1), (2, 3)), ((2, 3, 4), (1, 3, 1)), ((), (1,))],
)
def test_other_shapes_of_variances_are_refused(shape, of_var):
    with pytest.raises(ValueError, match="var"):
        gaussian_nll_loss(jnp.ones(shape), jnp.ones(shape), jnp.ones(of_var))


def test_a_variance_may_be_a_number_that_is_learned_or_mapped():
    x, t = jnp.array([[1.0, 2.0], [3.0, 5.0]]), jnp.zeros((2, 2))
    number = gaussian_nll_loss(x, t, 2.0)
    assert number == gaussian_nll_loss(x, t, jnp.full((2, 2), 2.0))
    np.testing.assert_allclose(
        jax.grad(lambda v: gaussian_nll_loss(x, t, v))(2.0), (1 / 2 - 39 / 4 / 4) / 2, rtol=1e-6
    )
    mapped = jax.vmap(lambda v: gaussian_nll_loss(x, t, v))(jnp.array([2.0, 1.0]))
    assert mapped[0] == number


def test_a_number_does_not_widen_the_dtype():
    half = jnp.ones(3, jnp.float16)
    assert gaussian_nll_loss(half, half, 0.5).dtype == jnp.float16
    assert gaussian_nll_loss(half, half, jnp.ones(3)).dtype == jnp.float32


@pytest.mark.parametrize("bad", [1, True, "1", None])
def test_a_variance_of_another_kind_is_a_type_error(bad):
    with pytest.raises(TypeError, match="var"):
        gaussian_nll_loss(jnp.ones(3), jnp.ones(3), bad)


def test_a_negative_variance_raises_where_it_is_known_and_is_nan_elsewhere():
    x = jnp.ones(2)
    with pytest.raises(ValueError, match=r"var must not be negative, got -1\.0"):
        gaussian_nll_loss(x, x, -1.0)
    var = jnp.array([1.0, -2.0])
    losses, pull_back = jax.vjp(lambda v: gaussian_nll_loss(x, x, v, reduction="none"), var)
    assert np.isnan(losses).tolist() == [False, True]
    assert np.isnan(pull_back(jnp.ones(2))[0]).tolist() == [False, True]
    with jaxact.checking(), pytest.raises(ValueError, match=r"var must .* got -2\.0"):
        gaussian_nll_loss(x, x, var)
    with pytest.raises(ValueError, match="var must"):
        jaxact.checked(gaussian_nll_loss)(x, x, var)


def test_the_least_variance_is_invisible_to_the_gradient():
    slope = jax.grad(lambda v: gaussian_nll_loss(jnp.float32(1), jnp.float32(0), v))
    np.testing.assert_allclose(slope(jnp.float32(0)), (1 - 1e6) / 2e-6, rtol=1e-6)


def test_a_square_that_overflows_does_not_spoil_the_quotient():
    out = gaussian_nll_loss(jnp.float32(1e25), jnp.float32(0), jnp.float32(1e20))
    np.testing.assert_allclose(out, 0.5e30, rtol=1e-6)


@pytest.mark.parametrize(("kind", "beside"), [("int32", "bfloat16"), ("int32", "int32")])
def test_a_number_as_variance_has_the_default_dtype_beside_integers(kind, beside):
    theirs = [torch.ones(3, dtype=getattr(torch, name)) for name in (kind, beside)]
    expected = torch.nn.functional.gaussian_nll_loss(*theirs, 0.5)
    found = gaussian_nll_loss(jnp.ones(3, kind), jnp.ones(3, beside), 0.5)
    assert str(expected.dtype) == f"torch.{found.dtype}" == "torch.float32"


@pytest.mark.parametrize("kind", ["float16", "int32"])
@pytest.mark.parametrize("shapes", [((), (1,), ()), ((), (), ()), ((3,), (3,), (1,))])
def test_a_variance_without_axes_widens_no_array_as_in_torch(shapes, kind):
    dtypes = "float16", kind, "float32"
    made = [np.ones(shape, dtype) for shape, dtype in zip(shapes, dtypes, strict=True)]
    expected = torch.nn.functional.gaussian_nll_loss(*map(torch.tensor, made))
    assert str(expected.dtype) == f"torch.{gaussian_nll_loss(*made).dtype}"
