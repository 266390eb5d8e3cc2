"""Initialisation over eight devices: the same numbers as on one, each where it belongs.

The devices have to be asked for before jax starts, so everything runs in one process of its own,
which prints what it found.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import json
import jax, jax.numpy as jnp, numpy as np
from jax.sharding import NamedSharding, PartitionSpec as P
from jaxact import initializers as I

mesh = jax.make_mesh((8,), ("d",), axis_types=(jax.sharding.AxisType.Auto,))
key = jax.random.key(0)
CASES = {
    "uniform": (I.uniform(), (64, 48)),
    "normal": (I.normal(), (64, 48)),
    "trunc_normal": (I.trunc_normal(std=0.02), (64, 48)),
    "trunc_normal_far": (I.trunc_normal(a=11.0, b=13.0), (64, 48)),
    "xavier_uniform": (I.xavier_uniform(layout="flax"), (64, 48)),
    "kaiming_normal": (I.kaiming_normal(layout="flax"), (8, 3, 16, 24)),
    "orthogonal": (I.orthogonal(), (64, 48)),
    "sparse": (I.sparse(0.3), (64, 48)),
    "sparse_flax": (I.sparse(0.3, layout="flax"), (64, 48)),
    "dirac": (I.dirac(), (64, 48, 3)),
    "eye": (I.eye(), (64, 48)),
    "constant": (I.constant(0.5), (64, 48)),
    "default_weight": (I.default_weight("Conv2d"), (16, 24, 3, 3)),
}
found = {}
for name, (init, shape) in CASES.items():
    for dtype in ("float32", "bfloat16") if name in ("uniform", "normal") else ("float32",):
        draw = lambda key: init(key, shape, dtype)
        alone = np.asarray(jax.jit(draw)(key), np.float32)
        places = NamedSharding(mesh, P("d"))
        spread = jax.jit(draw, out_shardings=places)(key)
        part = spread.addressable_shards[0].data.shape
        found[f"{name}/{dtype}"] = {
            "devices": len({shard.device for shard in spread.addressable_shards}),
            "part": part[0] * 8 == shape[0],
            "same": bool(np.array_equal(np.asarray(spread, np.float32), alone)),
            "error": float(np.abs(np.asarray(spread, np.float32) - alone).max()),
        }
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def found():
    flags = "--xla_force_host_platform_device_count=8"
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=os.environ | {"XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[3],
        check=False,
    )
    assert run.returncode == 0, run.stderr[-3000:]
    return json.loads(run.stdout)


def test_every_device_has_its_part(found):
    assert {case["devices"] for case in found.values()} == {8}
    assert all(case["part"] for case in found.values())


def test_the_numbers_are_those_of_one_device(found):
    assert {name: case["error"] for name, case in found.items() if not case["same"]} == {}
