"""The Mersenne twister of torch's CPU generator: its words, its uniforms and its state."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from jaxact.errors import ArgumentTypeError, ArgumentValueError

WORDS = 624

_TWISTER = np.dtype(
    [
        ("seed", np.uint64),
        ("left", np.int32),
        ("seeded", np.int32),
        ("next", np.uint64),
        ("words", np.uint64, WORDS),
        ("normal_x", np.float64),
        ("normal_y", np.float64),
        ("normal_rho", np.float64),
        ("normal_is_valid", np.int32),
    ],
    align=True,
)
# The bytes of torch.get_rng_state(): nested C structs with the compiler's alignment.
_STATE = np.dtype(
    [("twister", _TWISTER), ("float_normal", np.float32), ("float_is_valid", np.bool_)],
    align=True,
)


class Engine:
    """The 32-bit words of torch's stream, and the unused second normal of a pair (`spare`).

    numpy's legacy RandomState seeds and steps the same twister, and numpy keeps its stream frozen.
    """

    def __init__(self, seed: int) -> None:
        self.spare: float | None = None
        self._bytes = np.zeros(_STATE.itemsize, np.uint8)
        twister = _twister(self._bytes)
        twister["seed"] = seed % (1 << 64)
        twister["left"], twister["seeded"], twister["next"] = 1, 1, 0
        self._source = np.random.RandomState(seed % (1 << 32))
        self._untouched = True

    @property
    def seed(self) -> int:
        """The seed, as an unsigned 64-bit number."""
        return int(_twister(self._bytes)["seed"][0])

    def words(self, count: int) -> NDArray[np.uint32]:
        """The next `count` words."""
        self._untouched = self._untouched and count == 0
        return self._source.randint(0, 1 << 32, size=count, dtype=np.uint32)

    def double_words(self, count: int) -> NDArray[np.uint64]:
        """The next `count` 64-bit numbers; the first word drawn is the upper half."""
        pairs = self.words(2 * count).astype(np.uint64)
        return pairs[0::2] << np.uint64(32) | pairs[1::2]

    def uniforms(self, count: int, dtype: np.dtype[Any]) -> NDArray[Any]:
        """The next `count` multiples of 2^-24 (float32) or 2^-53 (float64) in [0, 1)."""
        if dtype == np.float32:
            low = self.words(count) & np.uint32((1 << 24) - 1)
            return low.astype(np.float32) * np.float32(2.0**-24)
        low = self.double_words(count) & np.uint64((1 << 53) - 1)
        return low.astype(np.float64) * 2.0**-53

    def state(self) -> NDArray[np.uint8]:
        """The bytes of torch.get_rng_state()."""
        state = self._bytes.copy()
        twister = _twister(state)
        source: Any = self._source.get_state(legacy=False)
        twister["words"] = source["state"]["key"]
        # A generator without any draws has not started its first block.
        if not self._untouched:
            position = int(source["state"]["pos"])
            twister["left"], twister["next"] = WORDS + 1 - position, position
        twister["normal_is_valid"] = self.spare is not None
        twister["normal_y"] = 0.0 if self.spare is None else self.spare
        return state

    def restore(self, state: ArrayLike) -> None:
        """Continues the stream at the position that these bytes describe.

        Raises:
            ArgumentTypeError: if state is not uint8.
            ArgumentValueError: if state is not a state of the twister.
        """
        given = _checked(state)
        twister = _twister(given)
        left, following = int(twister["left"][0]), int(twister["next"][0])
        key = {
            "key": twister["words"][0].astype(np.uint32),
            "pos": WORDS if left == 1 else following,
        }
        self._source.set_state({"bit_generator": "MT19937", "state": key})
        self._bytes, self._untouched = given, True
        self.spare = float(twister["normal_y"][0]) if twister["normal_is_valid"][0] else None


def _twister(state: NDArray[np.uint8]) -> NDArray[Any]:
    """[1], a view of the bytes as the fields of the twister."""
    return state.view(_STATE)["twister"]


def _checked(state: ArrayLike) -> NDArray[np.uint8]:
    """A copy of the bytes, checked to be a state of the twister."""
    given = np.array(state)
    if given.dtype != np.uint8:
        raise ArgumentTypeError(f"TorchGenerator: state must be uint8, got {given.dtype.name}")
    if given.shape != (_STATE.itemsize,):
        raise ArgumentValueError(
            f"TorchGenerator: state must have shape ({_STATE.itemsize},), got {given.shape}"
        )
    twister = _twister(given)
    seeded, left = int(twister["seeded"][0]), int(twister["left"][0])
    following = int(twister["next"][0])
    # Before the first block left is 1 and next 0; afterwards the two counters are redundant.
    if not seeded or not ((left, following) == (1, 0) or _agree(left, following)):
        raise ArgumentValueError(
            f"TorchGenerator: state must be that of a seeded twister with left + next = "
            f"{WORDS + 1}, got seeded = {seeded}, left = {left}, next = {following}"
        )
    return given


def _agree(left: int, following: int) -> bool:
    return left + following == WORDS + 1 and 1 <= left <= WORDS
