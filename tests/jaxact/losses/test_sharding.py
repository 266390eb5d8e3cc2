"""Losses of classes on a mesh of eight devices: the same results, and no scores that travel.

The devices have to be asked for before jax starts, so everything runs in one process of its own,
which prints what it found.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

N, F, C, CHUNK = 256, 16, 1024, 64
LOSSES = ["cross_entropy", "smoothed", "nll_loss", "linear", "linear_none", "linear_shards"]
LAYOUTS = ["rows", "classes"]

PROGRAM = """
import json, re, sys
import jax, jax.numpy as jnp, numpy as np
from jax.sharding import NamedSharding, PartitionSpec as P
from jaxact.losses.classification import cross_entropy, nll_loss
from jaxact.losses.large_vocabulary import linear_cross_entropy

n, f, c, chunk = json.loads(sys.argv[1])
generator = np.random.default_rng(0)
x = generator.standard_normal((n, f)).astype(np.float32)
matrix = generator.standard_normal((c, f)).astype(np.float32)
bias = generator.standard_normal(c).astype(np.float32)
weight = generator.random(c).astype(np.float32)
target = generator.integers(0, c, n).astype(np.int32)
target[::5] = -100
x[5] = np.nan  # ignored
scores = generator.standard_normal((n, c)).astype(np.float32)


def linear(**options):
    def loss(x, matrix, bias, weight, target):
        out = linear_cross_entropy(x, matrix, target, linear_bias=bias, weight=weight, **options)
        return jnp.sum(jnp.square(out))

    return loss


def of_scores(loss, **options):
    return lambda scores, weight, target: loss(scores, target, weight, **options)


chunked = {"batch_chunk_size": chunk}
whole = (x, matrix, bias, weight, target)
LOSSES = {
    "cross_entropy": (of_scores(cross_entropy), (scores, weight, target), (0, 1)),
    "smoothed": (of_scores(cross_entropy, label_smoothing=0.1), (scores, weight, target), (0, 1)),
    "nll_loss": (of_scores(nll_loss), (scores, weight, target), (0, 1)),
    "linear": (linear(options=chunked), whole, (0, 1, 2, 3)),
    "linear_none": (linear(options=chunked, reduction="none"), whole, (0, 1, 2, 3)),
    "linear_shards": (linear(options=chunked | {"batch_shards": 8}), whole, (0, 1, 2, 3)),
}
ROWS = {"scores": P("d"), "x": P("d"), "matrix": P(), "bias": P(), "weight": P(), "target": P("d")}
CLASSES = {
    "scores": P(None, "d"), "x": P(), "matrix": P("d"), "bias": P("d"), "weight": P("d"),
    "target": P(),
}
mesh = jax.make_mesh((8,), ("d",), axis_types=(jax.sharding.AxisType.Auto,))


def travelling(text):
    found = []
    kinds = "all-gather|all-reduce|all-to-all|collective-permute|reduce-scatter"
    for result, kind in re.findall(rf"= (.+?) ({kinds})(?:-start)?\\(", text):
        for shape in re.findall(r"\\[([0-9,]*)\\]", result):
            size = int(np.prod([int(d) for d in shape.split(",") if d]))
            found.append([kind, size])
    return found


def in_loops(text):
    bodies = set(re.findall(r"body=%?([\\w.\\-]+)", text))
    parts = re.split(r"\\n(?=%|ENTRY)", text)
    return "\\n".join(p for p in parts if re.match(r"%?([\\w.\\-]+)", p).group(1) in bodies)


found = {}
for name, (loss, arguments, wanted) in LOSSES.items():
    names = ("scores", "weight", "target") if len(arguments) == 3 else (
        "x", "matrix", "bias", "weight", "target")
    step = jax.value_and_grad(loss, wanted)
    alone = [np.asarray(a, np.float64) for a in jax.tree.leaves(jax.jit(step)(*arguments))]
    for layout, specs in (("rows", ROWS), ("classes", CLASSES)):
        places = tuple(NamedSharding(mesh, specs[n]) for n in names)
        out = (None, tuple(places[i] for i in wanted))
        jitted = jax.jit(step, in_shardings=places, out_shardings=out)
        placed = [jax.device_put(a, p) for a, p in zip(arguments, places)]
        text = jitted.lower(*placed).compile().as_text()
        spread = [np.asarray(a, np.float64) for a in jax.tree.leaves(jitted(*placed))]
        error = max(float(np.max(np.abs(a - b) / (1e-3 + np.abs(a).max())))
                    for a, b in zip(alone, spread))
        sizes = [int(np.prod([int(d) for d in s.split(",")])) for s in
                 re.findall(r"f32\\[([0-9,]+)\\]", text)]
        found[f"{name}/{layout}"] = {
            "error": error,
            "finite": all(bool(np.isfinite(a).all()) for a in alone),
            "travels": travelling(text),
            "in_loops": travelling(in_loops(text)),
            "largest": max(sizes),
        }
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def found():
    flags = "--xla_force_host_platform_device_count=8"
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps([N, F, C, CHUNK])],
        env=os.environ | {"XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[3],
        check=False,
    )
    assert run.returncode == 0, run.stderr[-3000:]
    return json.loads(run.stdout)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("loss", LOSSES)
def test_value_and_gradients_are_those_of_one_device(found, loss, layout):
    assert found[f"{loss}/{layout}"]["finite"]
    assert found[f"{loss}/{layout}"]["error"] < 2e-6


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("loss", LOSSES)
def test_nothing_travels_but_sums_of_rows_and_of_gradients(found, loss, layout):
    travels = found[f"{loss}/{layout}"]["travels"]
    assert {kind for kind, _ in travels} == {"all-reduce"}
    # Row sums, if the classes are spread; else the gradients of what every device has: the class
    # weights and, once, the matrix.
    sums = [size for _, size in travels if size != C]
    gradient = C * F if loss.startswith("linear") and layout == "rows" else 0
    assert max(sums) <= max(N, gradient)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("loss", LOSSES)
def test_no_device_holds_more_than_its_part_of_the_scores(found, loss, layout):
    part = N * C // 8 if "linear" not in loss else max(C * F, CHUNK * C // 8)
    assert found[f"{loss}/{layout}"]["largest"] <= part


def test_batch_shards_adds_up_the_gradient_of_the_matrix_once_for_all_chunks(found):
    travels = {name: found[f"{name}/rows"]["in_loops"] for name in ("linear", "linear_shards")}
    assert ["all-reduce", C * F] in travels["linear"]
    assert ["all-reduce", C * F] not in travels["linear_shards"]
    assert ["all-reduce", C * F] in found["linear_shards/rows"]["travels"]
