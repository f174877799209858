"""What the lanes kernel does in a step, written with vectors (vectors.py), for one shape of model.

There are two layouts, which give the same bits:

side by side  LANES models, a lane each; the rows of the batch one after the other
alone         one model; LANES rows of its batch at once, a lane each

Rows without an active feature are never made. How many others a batch has is drawn first, and then each of
them, given that it has one (draws.py). The gradient of each row is rounded by
itself; those of the rows r, r + LANES, r + 2 · LANES … are added in this order, and then the LANES sums.
"""

from typing import Any, NamedTuple

from tms_engine.data import stream
from tms_engine.training.lanes.choice import LANES
from tms_engine.training.lanes.draws import (
    HALF_ROOT_BITS,
    LOG_2,
    LOG_POLYNOMIAL,
    MANTISSA,
    MIX_1,
    MIX_2,
    ONE_BITS,
    STRIDE,
)
from tms_engine.training.lanes.vectors import F32, I32, I64, Code, Compiled, Variable, Vector
from tms_engine.training.optimizers import BETA1, BETA2, EPSILON

LARGEST = 3.4028234663852886e38


class Shape(NamedTuple):
    """What a compiled step is specialised on."""

    n: int
    m: int
    bias: bool
    relu: bool  # or else the linear model
    alone: bool  # one model, its rows in the lanes; or else LANES models
    given: bool = False  # rows are read, not drawn; what follows is of rows that are drawn
    own: bool = False  # each feature has a density of its own
    magnitudes: str = "uniform"
    unit_rows: bool = False

    @property
    def parameters(self) -> int:
        """Numbers of a model: W[j, k] is number j · m + k, and b[j] number n · m + j."""
        return self.n * (self.m + self.bias)

    @property
    def padded(self) -> int:
        """The same, up to whole vectors where parameters are in the lanes."""
        return -(-self.parameters // LANES) * LANES if self.alone else self.parameters

    @property
    def width(self) -> int:
        """Instances of a group: their values stand side by side in all arrays."""
        return 1 if self.alone else LANES

    @property
    def densities(self) -> int:
        """Those of an instance."""
        return self.n if self.own else 1


POINTERS = (
    "p", "first", "second",  # (groups, padded, width), changed in place
    "diverged_at",  # int64 (groups, width), changed in place
    "keys",  # int64 (groups, width): of the instances
    "draw",  # int64 (groups): which of the draws that follow is a group's
    "least", "counts",  # int32 (draws, width), uint32 (draws, table, width)
    "choices", "threshold",  # uint32 (draws, n, width), (draws, densities, width)
    "cell_of_first", "cell",  # float32 (draws, n, width), (draws, densities, width)
    "importance",  # float32 (groups, n, width): 2 · importance / (B n)
    "rates",  # float32 (groups, width)
    "factors", "pulls", "roots",  # float32 (steps)
    "losses",  # float32 (steps, stride)
    "rows",  # if given: int32 (steps, groups, width)
    "x",  # if given: float32 (steps, groups, longest, n, width); alone (steps, groups, n, longest, 1)
)  # fmt: skip
INTEGERS = ("groups", "steps", "first_step", "batch", "table", "stride", "longest", "l2_bits")


class _Step:
    """Writes the function."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.code = Code("lanes_step", POINTERS, INTEGERS)
        c = self.code
        with c.loop(c.start, c.stop) as group:
            self._group(group)
        c.builder.ret_void()

    # Arrays -------------------------------------------------------------------------------------------

    def _address(self, name: str, kind: Any, place: Any) -> Any:
        return self.code.at(self.code.arguments[name], kind, place)

    def _value(self, name: str, kind: Any, place: Any) -> Vector:
        """The value, at a place of an array (…, width), of each lane's instance."""
        c = self.code
        if self.shape.alone:
            return c.splat(c.load_one(self._address(name, kind, place), kind))
        return c.load(self._address(name, kind, self._times(place, LANES)), kind)

    def _times(self, a: Any, b: Any) -> Any:
        return self.code.builder.mul(a, self.code.integer(b) if isinstance(b, int) else b)

    def _plus(self, a: Any, b: Any) -> Any:
        return self.code.builder.add(a, self.code.integer(b) if isinstance(b, int) else b)

    # A group ------------------------------------------------------------------------------------------

    def _group(self, group: Any) -> None:
        c, shape, n = self.code, self.shape, self.shape.n
        of_features = self._times(group, n)
        self.group = group
        self.key = self._value("keys", I64, group)
        self.rate = self._value("rates", F32, group)
        self.importance = [self._value("importance", F32, self._plus(of_features, j)) for j in range(n)]
        if not shape.given:
            self.draw = c.load_one(self._address("draw", I64, group), I64)
            of_draw = self._times(self.draw, n)
            self.least = self._value("least", I32, self.draw)
            self.choices = [self._value("choices", I32, self._plus(of_draw, j)) for j in range(n)]
            self.cells = [self._value("cell_of_first", F32, self._plus(of_draw, j)) for j in range(n)]
            of_densities = [
                self._plus(self._times(self.draw, shape.densities), j) for j in range(shape.densities)
            ]
            self.threshold = [self._value("threshold", I32, place) for place in of_densities]
            self.cell = [self._value("cell", F32, place) for place in of_densities]
        self.l2 = c.splat(c.builder.bitcast(c.builder.trunc(c.arguments["l2_bits"], I32), F32))
        self.diverged_at = Variable(c, I64, self._value("diverged_at", I64, group))
        self.loss = Variable(c, F32)
        self.sums = [Variable(c, F32) for _ in range(shape.parameters)]
        with c.loop(c.integer(0), c.arguments["steps"]) as step:
            self._step(step)
        at = self._address("diverged_at", I64, self._times(group, shape.width))
        c.store(c.lane(self.diverged_at.get(), 0) if shape.alone else self.diverged_at.get(), at)

    def _step(self, step: Any) -> None:
        c, shape = self.code, self.shape
        self.step = step
        now = self._plus(c.arguments["first_step"], step)
        if not shape.given:
            key = self.key + c.splat(self._times(self._plus(now, 1), stream.GAMMA))
            key = _mix(key)
            self.low, self.high = key.to(I32), (key >> 32).to(I32)
        rows = self._count()
        numbers = [self._parameter(q) for q in range(shape.parameters)]
        self.w = [numbers[j * shape.m : (j + 1) * shape.m] for j in range(shape.n)]
        self.b = numbers[shape.n * shape.m :]
        self._empty_rows(rows)
        if shape.alone:
            self._rows_in_lanes(rows)
        else:
            self._rows_in_order(rows)
        self._finish(now)

    def _parameter(self, q: int) -> Vector:
        return self._value("p", F32, self._plus(self._times(self.group, self.shape.padded), q))

    # The batch ----------------------------------------------------------------------------------------

    def _word(self, place: Vector) -> Vector:
        """Word number `place` of each lane's batch: 32 bits."""
        z = place * STRIDE + self.low
        z = (z ^ (z >> 16)) * MIX_1
        z = z ^ self.high
        z = (z ^ (z >> 15)) * MIX_2
        return z ^ (z >> 15)

    def _count(self) -> Vector:
        """How many rows of each lane's batch are not empty."""
        c, shape = self.code, self.shape
        if shape.given:
            place = self._plus(self._times(self.step, c.arguments["groups"]), self.group)
            return self._value("rows", I32, place)
        word = self._word(c.constant(I32, 0))
        table = c.arguments["table"]
        above = Variable(c, I32)
        with c.loop(c.integer(0), table, LANES if shape.alone else 1) as k:
            at = self._plus(self._times(self.draw, table), k)
            bound = c.load(self._address("counts", I32, self._times(at, shape.width)), I32)
            above.set(above.get() + (word > bound).to(I32))
        if shape.alone:
            return self.least + c.splat(c.total(above.get()))
        return self.least + above.get()

    def _row(self, row: Vector, first: Any) -> list[Vector]:
        """A row of each lane, (n). Their numbers: `row`; as a 64-bit scalar, that of lane 0: `first`."""
        c, n = self.code, self.shape.n
        if self.shape.given:
            return [self._given(first, j) for j in range(n)]
        words = [self._word(row * n + (1 + j)) for j in range(n)]
        # The first active feature, by the choices that lie below the word, and how far above the last of
        # them; each other one after it by a word of its own, and how far that is below the threshold.
        past = [words[0] > self.choices[j] for j in range(n - 1)]
        cell, word = self.cells[0], words[0]
        for j in range(1, n):
            cell = c.select(past[j - 1], self.cells[j], cell)
            word = c.select(past[j - 1], words[0] - (self.choices[j - 1] + 1), word)
        value = self._magnitude(word, cell)
        x = []
        for j in range(n):
            mine = c.select(past[j], 0.0, value) if j < n - 1 else value
            if j:
                own = min(j, self.shape.densities - 1)
                other = self._magnitude(words[j], self.cell[own])
                other = c.select(words[j] <= self.threshold[own], other, c.constant(F32, 0.0))
                mine = c.select(past[j - 1], mine, other)
            x.append(mine)
        if self.shape.magnitudes == "exponential":
            x = [self._exponential(u) for u in x]
        return self._of_length_1(x) if self.shape.unit_rows else x

    def _magnitude(self, offset: Vector, cell: Vector) -> Vector:
        """As in draws.py."""
        if self.shape.magnitudes == "constant":
            return cell
        u = ((offset >> 9).to(F32) + 0.5) * cell
        if self.shape.magnitudes == "signed":
            u = (u.bits(I32) ^ ((offset & 1) * 0x80000000)).bits(F32)
        return u

    def _exponential(self, u: Vector) -> Vector:
        """As in draws.py."""
        c = self.code
        bits = u.bits(I32) + (ONE_BITS - HALF_ROOT_BITS)
        power = (bits >> 23).to(F32) - 127.0
        x = ((bits & MANTISSA) + HALF_ROOT_BITS).bits(F32) - 1.0
        square = x * x
        y = c.constant(F32, LOG_POLYNOMIAL[0])
        for coefficient in LOG_POLYNOMIAL[1:]:
            y = y * x + coefficient
        y = y * x * square + power * LOG_2[1]
        log = x + (y - square * 0.5) + power * LOG_2[0]
        return c.select(u > 0.0, -log, c.constant(F32, 0.0))

    def _of_length_1(self, x: list[Vector]) -> list[Vector]:
        """As in draws.py."""
        c, square = self.code, x[0] * x[0]
        for value in x[1:]:
            square = square + value * value
        length = c.sqrt(c.select(square > 0.0, square, c.constant(F32, 1.0)))
        return [value / length for value in x]

    def _given(self, row: Any, j: int) -> Vector:
        c, shape = self.code, self.shape
        place = self._plus(self._times(self.step, c.arguments["groups"]), self.group)
        if shape.alone:  # (steps, groups, n, longest)
            place = self._times(self._plus(self._times(place, shape.n), j), c.arguments["longest"])
            return c.load(self._address("x", F32, self._plus(place, row)), F32)
        place = self._plus(self._times(place, c.arguments["longest"]), row)
        place = self._plus(self._times(place, shape.n), j)
        return c.load(self._address("x", F32, self._times(place, LANES)), F32)

    # Loss and gradient --------------------------------------------------------------------------------

    def _gradient(self, x: list[Vector], valid: Vector) -> tuple[Vector, list[Vector]]:
        """Of a row of each lane: twice its part of the loss, and of the gradient; 0 where it is not valid."""
        c, (n, m) = self.code, self.shape[:2]
        zero = c.constant(F32, 0.0)
        h = [_chain(c, [(x[j], self.w[j][k]) for j in range(n)]) for k in range(m)]
        slopes, loss = [], c.constant(F32, 0.0)
        for j in range(n):
            out = _chain(c, [(h[k], self.w[j][k]) for k in range(m)], self.b[j] if self.b else None)
            dead = out <= 0.0  # false of a NaN, which is passed on
            reconstruction = c.select(dead, 0.0, out) if self.shape.relu else out
            error = reconstruction - x[j]
            slope = c.select(valid, self.importance[j] * error, zero)
            loss = c.fma(slope, error, loss)
            slopes.append(c.select(dead, 0.0, slope) if self.shape.relu else slope)
        back = [_chain(c, [(slopes[j], self.w[j][k]) for j in range(n)]) for k in range(m)]
        gradient = [c.fma(h[k], slopes[j], back[k] * x[j]) for j in range(n) for k in range(m)]
        return loss, gradient + (slopes if self.b else [])

    def _empty_rows(self, rows: Vector) -> None:
        """Begin the sums with what the empty rows come to: they have a loss only where there is a bias."""
        c, shape = self.code, self.shape
        zero = c.constant(F32, 0.0)
        loss, slopes = zero, []
        if self.b:
            empty = (c.splat(c.builder.trunc(c.arguments["batch"], I32)) - rows).to(F32)
            for j in range(shape.n):
                reconstruction = c.select(self.b[j] <= 0.0, 0.0, self.b[j]) if shape.relu else self.b[j]
                slope = empty * (self.importance[j] * reconstruction)
                loss = c.fma(slope, reconstruction, loss)
                slopes.append(slope + 0.0)  # never -0, which a sum with 0 would lose
        if shape.alone:  # as if they were of the first lane's rows
            first = c.constant(I32, list(range(LANES))) <= 0
            loss, *slopes = (c.select(first, value, zero) for value in (loss, *slopes))
        starts = [zero] * (shape.n * shape.m) + slopes
        for variable, start in zip((self.loss, *self.sums), (loss, *starts), strict=True):
            variable.set(start)

    def _add(self, variables: list[Variable], values: list[Vector]) -> None:
        for variable, value in zip(variables, values, strict=True):
            variable.set(variable.get() + value)

    def _rows_in_lanes(self, rows: Vector) -> None:
        c = self.code
        of_lane = c.constant(I32, list(range(LANES)))
        with c.loop(c.integer(0), c.largest(rows), LANES) as first:
            row = of_lane + c.splat(c.builder.trunc(first, I32))
            loss, gradient = self._gradient(self._row(row, first), rows > row)
            self._add([self.loss, *self.sums], [loss, *gradient])

    def _rows_in_order(self, rows: Vector) -> None:
        c = self.code
        most = c.largest(rows)
        few = c.builder.icmp_signed("<=", most, c.integer(LANES))

        def add(row: Any, variables: list[Variable]) -> None:
            number = c.splat(c.builder.trunc(row, I32))
            loss, gradient = self._gradient(self._row(number, row), rows > number)
            self._add(variables, [loss, *gradient])

        sums = [self.loss, *self.sums]
        with c.builder.if_else(few) as (then, otherwise):
            with then, c.loop(c.integer(0), most) as row:
                add(row, sums)
            with otherwise:
                parts = [Variable(c, F32) for _ in sums]
                for part, total in zip(parts, sums, strict=True):  # the empty rows' are the first lane's
                    part.set(total.get())
                    total.set(c.constant(F32, 0.0))
                with c.loop(c.integer(0), c.integer(LANES)) as lane:
                    with c.loop(lane, most, LANES) as row:
                        add(row, parts)
                    self._add(sums, [part.get() for part in parts])
                    for part in parts:
                        part.set(c.constant(F32, 0.0))

    def _in_parameter_lanes(self) -> list[Vector]:
        """(loss, gradient): the lanes of each sum added up, and what becomes of them in the lanes."""
        c = self.code
        sums = [variable.get() for variable in (*self.sums, self.loss)]
        totals = []
        for low in range(0, len(sums), LANES):
            square = sums[low : low + LANES]
            square += [c.constant(F32, 0.0)] * (LANES - len(square))
            rows = c.transposed(square)
            total = rows[0]
            for row in rows[1:]:
                total = total + row
            totals.append(total)
        return totals

    # Adam ---------------------------------------------------------------------------------------------

    def _finish(self, now: Any) -> None:
        c, shape = self.code, self.shape
        if shape.alone:
            gradients = self._in_parameter_lanes()
            last = shape.parameters
            loss = c.splat(c.lane(gradients[last // LANES], last % LANES))
            if last % LANES:  # the loss is no gradient
                mine = c.constant(I32, [int(k < last % LANES) for k in range(LANES)]) > 0
                gradients[last // LANES] = c.select(mine, gradients[last // LANES], c.constant(F32, 0.0))
            gradients = gradients[: shape.padded // LANES]
        else:
            loss, gradients = self.loss.get(), [variable.get() for variable in self.sums]
        loss = loss * 0.5
        scale = self.rate * self._of_step("factors")
        decay = c.fma(self.rate, self._of_step("pulls"), c.constant(F32, 1.0))
        root = self._of_step("roots")
        good = c.absolute(loss) <= LARGEST
        made: list[tuple[Any, Vector, Vector]] = []
        base = self._times(self.group, shape.padded * shape.width)
        for q, gradient in enumerate(gradients):
            at = self._plus(base, q * LANES)
            places = [self._address(name, F32, at) for name in ("p", "first", "second")]
            p, first, second = (c.load(place, F32) for place in places)
            gradient = c.fma(self.l2, p, gradient)
            moment = c.fma(gradient - first, c.constant(F32, 1 - BETA1), first)
            square = c.fma(gradient * gradient, c.constant(F32, 1 - BETA2), second * BETA2)
            below = c.fma(c.sqrt(square), root, c.constant(F32, EPSILON))
            new = decay * p - (scale * moment) / below
            good = c.both(c.both(good, c.absolute(new) <= LARGEST), square <= LARGEST)
            made += zip(places, (p, first, second), (new, moment, square), strict=True)
        if shape.alone:
            good = c.splat(c.everywhere(good))
        alive = self.diverged_at.get() > -2  # without a sign, only -1 is
        learns = c.both(alive, good)
        for place, before, after in made:
            c.store(c.select(learns, after, before), place)
        stops = c.both(alive, ~good)
        self.diverged_at.set(c.select(stops, c.splat(now), self.diverged_at.get()))
        loss = c.select(learns, loss, c.constant(F32, float("nan")))
        of_step = self._times(self.step, c.arguments["stride"])
        place = self._address("losses", F32, self._plus(of_step, self._times(self.group, shape.width)))
        c.store(c.lane(loss, 0) if shape.alone else loss, place)

    def _of_step(self, name: str) -> Vector:
        """A number of the step, in all lanes."""
        return self.code.splat(self.code.load_one(self._address(name, F32, self.step), F32))


def _mix(z: Vector) -> Vector:
    """SplitMix64's output function."""
    z = (z ^ (z >> 30)) * stream.MULTIPLIER_1
    z = (z ^ (z >> 27)) * stream.MULTIPLIER_2
    return z ^ (z >> 31)


def _chain(code: Code, products: list[tuple[Vector, Vector]], start: Vector | None = None) -> Vector:
    """The sum of products, in order."""
    (a, b), *rest = products
    total = a * b if start is None else code.fma(a, b, start)
    for a, b in rest:
        total = code.fma(a, b, total)
    return total


_compiled: dict[Shape, Compiled] = {}


def is_compiled(shape: Shape) -> bool:
    return shape in _compiled


def compiled(shape: Shape) -> Compiled:
    """The function for a shape, called with the arguments POINTERS and INTEGERS."""
    if shape not in _compiled:
        _compiled[shape] = Compiled(_Step(shape).code)
    return _compiled[shape]


def assembly(shape: Shape) -> str:
    return _Step(shape).code.assembly()
