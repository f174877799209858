"""A small language of vectors for the lanes kernel: Python expressions that write LLVM's own vector types.

LANES numbers stand side by side in a vector, and every operation is one of LLVM's on all of them. Nothing is
left to a vectoriser, which could not keep the arrays of a model in registers, and no operation may be
reordered or fused but where `fma` says so. So a lane has the same bits whatever stands in the others, and
however wide the processor's registers are.
"""

import ctypes
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from jaxtyping import Int64, Shaped
from llvmlite import binding, ir

from tms_engine.training.lanes.choice import LANES

I1, I32, I64, F32, POINTER = ir.IntType(1), ir.IntType(32), ir.IntType(64), ir.FloatType(), ir.PointerType()


def _vector(kind: Any) -> Any:
    return ir.VectorType(kind, LANES)


class Vector:
    """A value under construction: LANES numbers of one kind (F32, I32, I64), or LANES truths (I1)."""

    def __init__(self, code: "Code", value: Any) -> None:
        self.code, self.value = code, value
        self.kind = value.type.element

    def _with(self, other: Any, of_floats: str, of_integers: str) -> "Vector":
        build = self.code.builder
        name = of_floats if self.kind == F32 else of_integers
        return Vector(self.code, getattr(build, name)(self.value, self.code.like(self, other).value))

    def __add__(self, other: Any) -> "Vector":
        return self._with(other, "fadd", "add")

    def __sub__(self, other: Any) -> "Vector":
        return self._with(other, "fsub", "sub")

    def __mul__(self, other: Any) -> "Vector":
        return self._with(other, "fmul", "mul")

    def __truediv__(self, other: Any) -> "Vector":
        return self._with(other, "fdiv", "")

    def __xor__(self, other: Any) -> "Vector":
        return self._with(other, "", "xor")

    def __and__(self, other: Any) -> "Vector":
        return self._with(other, "", "and_")

    def __neg__(self) -> "Vector":
        return Vector(self.code, self.code.builder.fneg(self.value))

    def __rshift__(self, other: Any) -> "Vector":
        return self._with(other, "", "lshr")

    def _compare(self, sign: str, other: Any) -> "Vector":
        build = self.code.builder
        compare = build.fcmp_ordered if self.kind == F32 else build.icmp_unsigned
        return Vector(self.code, compare(sign, self.value, self.code.like(self, other).value))

    def __gt__(self, other: Any) -> "Vector":
        return self._compare(">", other)

    def __le__(self, other: Any) -> "Vector":
        return self._compare("<=", other)

    def __invert__(self) -> "Vector":
        return Vector(self.code, self.code.builder.not_(self.value))

    def to(self, kind: Any) -> "Vector":
        """Integers as others, cut or with zeros in front; those below 2^31 as floats."""
        build, target = self.code.builder, _vector(kind)
        if kind == F32:
            return Vector(self.code, build.sitofp(self.value, target))
        narrower = kind.width < self.kind.width
        return Vector(self.code, (build.trunc if narrower else build.zext)(self.value, target))

    def bits(self, kind: Any) -> "Vector":
        """The same bits as numbers of another kind of this width."""
        return Vector(self.code, self.code.builder.bitcast(self.value, _vector(kind)))


class Variable:
    """A vector that is assigned to more than once; it stays in a register where one is free."""

    def __init__(self, code: "Code", kind: Any, value: Any = 0) -> None:
        self._code = code
        self._kind = _vector(kind)
        with code.builder.goto_entry_block():
            self._place = code.builder.alloca(self._kind)
        self.set(code.constant(kind, value) if isinstance(value, int | float) else value)

    def get(self) -> Vector:
        return Vector(self._code, self._code.builder.load(self._place, typ=self._kind))

    def set(self, value: Vector) -> None:
        self._code.builder.store(value.value, self._place)


class Code:
    """A function while it is written: of an array of `arguments`, which are pointers and 64-bit integers by
    name, and of two more integers, `start` and `stop`.
    """

    def __init__(self, name: str, pointers: tuple[str, ...], integers: tuple[str, ...]) -> None:
        self.module = ir.Module(name)
        self.module.triple = binding.get_process_triple()
        kind = ir.FunctionType(ir.VoidType(), [POINTER, I64, I64])
        self.function = ir.Function(self.module, kind, name)
        self.builder = ir.IRBuilder(self.function.append_basic_block("entry"))
        array, self.start, self.stop = self.function.args
        kinds = dict.fromkeys(pointers, POINTER) | dict.fromkeys(integers, I64)
        self.arguments = {
            name: self.load_one(self.at(array, I64, place), kind)
            for place, (name, kind) in enumerate(kinds.items())
        }

    # Numbers ------------------------------------------------------------------------------------------

    def constant(self, kind: Any, value: Any) -> Vector:
        """The same number in all lanes, or one a lane."""
        values = list(value) if isinstance(value, list | tuple | np.ndarray) else [value] * LANES
        if kind == F32:
            values = [float(np.float32(v)) for v in values]
        return Vector(self, ir.Constant(_vector(kind), values))

    def like(self, vector: Vector, other: Any) -> Vector:
        return other if isinstance(other, Vector) else self.constant(vector.kind, other)

    def splat(self, scalar: Any) -> Vector:
        """A scalar in all lanes."""
        kind = _vector(scalar.type)
        one = self.builder.insert_element(ir.Constant(kind, ir.Undefined), scalar, ir.Constant(I32, 0))
        mask = ir.Constant(_vector(I32), [0] * LANES)
        return Vector(self, self.builder.shuffle_vector(one, ir.Constant(kind, ir.Undefined), mask))

    def lane(self, vector: Vector, number: int) -> Any:
        return self.builder.extract_element(vector.value, ir.Constant(I32, number))

    def _call(self, name: str, result: Any, *arguments: Any) -> Any:
        function = self.module.globals.get(name)
        if function is None:
            kind = ir.FunctionType(result, [argument.type for argument in arguments])
            function = ir.Function(self.module, kind, name)
        return self.builder.call(function, arguments)

    def fma(self, a: Vector, b: Vector, c: Vector) -> Vector:
        """a · b + c, rounded once."""
        return Vector(self, self._call("llvm.fma.v16f32", _vector(F32), a.value, b.value, c.value))

    def sqrt(self, a: Vector) -> Vector:
        return Vector(self, self._call("llvm.sqrt.v16f32", _vector(F32), a.value))

    def absolute(self, a: Vector) -> Vector:
        return Vector(self, self._call("llvm.fabs.v16f32", _vector(F32), a.value))

    def select(self, where: Vector, a: Any, b: Any) -> Vector:
        a = self.like(b, a) if isinstance(b, Vector) else a
        return Vector(self, self.builder.select(where.value, a.value, self.like(a, b).value))

    def both(self, a: Vector, b: Vector) -> Vector:
        return Vector(self, self.builder.and_(a.value, b.value))

    def largest(self, a: Vector) -> Any:
        """The largest lane of 32-bit integers, as a 64-bit scalar."""
        return self.builder.zext(self._call("llvm.vector.reduce.umax.v16i32", I32, a.value), I64)

    def total(self, a: Vector) -> Any:
        """The sum of 32-bit integers, as a 32-bit scalar."""
        return self._call("llvm.vector.reduce.add.v16i32", I32, a.value)

    def everywhere(self, a: Vector) -> Any:
        """Whether all lanes are true, as a scalar."""
        return self._call("llvm.vector.reduce.and.v16i1", I1, a.value)

    def transposed(self, rows: list[Vector]) -> list[Vector]:
        """LANES vectors as a square, transposed."""
        half = LANES // 2
        while half:
            for i in range(LANES):
                if i & half:
                    continue
                a, b = rows[i], rows[i + half]
                low = [k if not k & half else k - half + LANES for k in range(LANES)]
                high = [k + half if not k & half else k + LANES for k in range(LANES)]
                rows[i], rows[i + half] = self._shuffled(a, b, low), self._shuffled(a, b, high)
            half //= 2
        return rows

    def _shuffled(self, a: Vector, b: Vector, order: list[int]) -> Vector:
        mask = ir.Constant(_vector(I32), order)
        return Vector(self, self.builder.shuffle_vector(a.value, b.value, mask))

    # Memory -------------------------------------------------------------------------------------------

    def integer(self, value: int) -> Any:
        """A 64-bit scalar."""
        return ir.Constant(I64, value)

    def at(self, pointer: Any, kind: Any, place: Any) -> Any:
        """The address of the number at a place, counted in numbers of a kind."""
        place = self.integer(place) if isinstance(place, int) else place
        return self.builder.gep(pointer, [place], source_etype=kind)

    def load(self, pointer: Any, kind: Any) -> Vector:
        value = self.builder.load(pointer, typ=_vector(kind))
        value.align = kind.width // 8 if kind != F32 else 4
        return Vector(self, value)

    def load_one(self, pointer: Any, kind: Any) -> Any:
        return self.builder.load(pointer, typ=kind)

    def store(self, value: Any, pointer: Any) -> None:
        """Of a vector, all lanes; of a scalar, that."""
        vector = isinstance(value, Vector)
        kind = value.kind if vector else value.type
        made = self.builder.store(value.value if vector else value, pointer)
        made.align = kind.width // 8 if kind != F32 else 4

    # Order --------------------------------------------------------------------------------------------

    @contextmanager
    def loop(self, start: Any, stop: Any, stride: int = 1) -> Iterator[Any]:
        """For a 64-bit scalar from `start` to below `stop`."""
        build = self.builder
        before = build.block
        head, body, after = (build.append_basic_block(name) for name in ("head", "body", "after"))
        build.branch(head)
        build.position_at_end(head)
        index = build.phi(I64)
        index.add_incoming(start, before)
        build.cbranch(build.icmp_signed("<", index, stop), body, after)
        build.position_at_end(body)
        yield index
        index.add_incoming(build.add(index, self.integer(stride)), build.block)
        build.branch(head)
        build.position_at_end(after)

    @contextmanager
    def if_(self, condition: Any) -> Iterator[None]:
        with self.builder.if_then(condition):
            yield

    def assembly(self) -> str:
        """What the processor gets, to be looked at."""
        machine, module = _optimised(self)
        return str(machine.emit_assembly(module))


class Compiled:
    """A function in machine code; it is called without the GIL."""

    def __init__(self, code: Code) -> None:
        machine, module = _optimised(code)
        self._engine = binding.create_mcjit_compiler(module, machine)  # the code lives as long
        self._engine.finalize_object()
        kind = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)
        self._function = kind(self._engine.get_function_address(code.function.name))

    def __call__(self, arguments: Int64[np.ndarray, " arguments"], start: int, stop: int) -> None:
        """`arguments` in the order in which they were named: of an array, its `address`."""
        self._function(address(arguments), start, stop)


def missing() -> str:
    """What this processor lacks, as the end of a sentence with "because"; "" if it lacks nothing."""
    features = binding.get_host_cpu_features()
    x86 = binding.get_process_triple().startswith(("x86_64", "i686"))
    return "this processor has no fused multiply-add" if x86 and not features.get("fma") else ""


def address(array: Shaped[np.ndarray, "..."]) -> int:
    """Where its numbers begin: they have to lie one behind the other, and to live as long."""
    where: int = array.__array_interface__["data"][0]
    return where


def _optimised(code: Code) -> tuple[Any, Any]:
    """(Target machine, module) for the processor of this machine."""
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    target = binding.Target.from_triple(binding.get_process_triple())
    machine = target.create_target_machine(
        cpu=binding.get_host_cpu_name(), features=binding.get_host_cpu_features().flatten(), opt=3, jit=True
    )
    # Without these, vectors of 512 bits are cut in two where the processor can do with one.
    wide = '"prefer-vector-width"="512" "min-legal-vector-width"="512"'
    module = binding.parse_assembly(re.sub(r"(?m)^(define .*)$", rf"\1 {wide}", str(code.module)))
    module.verify()
    options = binding.create_pipeline_tuning_options(speed_level=2)
    options.loop_unrolling = options.loop_vectorization = options.slp_vectorization = False
    passes = binding.create_pass_builder(machine, options)
    passes.getModulePassManager().run(module, passes)
    return machine, module
