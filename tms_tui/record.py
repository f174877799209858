"""Record: what `dataclass(frozen=True)` makes of a class, at hardly any cost to the first paint.

A frozen dataclass is compiled from text, which takes half a millisecond and more, and there are two hundred
messages.
"""

from typing import Any, ClassVar, NoReturn, dataclass_transform


@dataclass_transform(frozen_default=True)
class Record:
    """Its fields are the annotations of the class, with their defaults. Records of records are not meant."""

    __match_args__: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls) -> None:
        cls.__match_args__ = tuple(cls.__annotations__)  # type: ignore[misc]  # of the class, not of a record

    def __init__(self, *values: Any, **named: Any) -> None:
        names, name = self.__match_args__, type(self).__name__
        given = dict(zip(names, values, strict=False))
        if len(values) > len(names) or given.keys() & named.keys():
            raise TypeError(f"{name} takes {', '.join(names) or 'nothing'}, each once")
        given |= named
        if unknown := sorted(given.keys() - set(names)):
            raise TypeError(f"{name} has no field {', '.join(unknown)}")
        for field in names:
            if field not in given:
                if field not in vars(type(self)):
                    raise TypeError(f"{name} needs {field}")
                given[field] = vars(type(self))[field]
        self.__dict__.update(given)

    def _fields(self) -> tuple[Any, ...]:
        return tuple(self.__dict__[field] for field in self.__match_args__)

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._fields() == other._fields()

    def __hash__(self) -> int:
        return hash((type(self), self._fields()))

    def __repr__(self) -> str:
        fields = ", ".join(f"{field}={self.__dict__[field]!r}" for field in self.__match_args__)
        return f"{type(self).__name__}({fields})"

    def __setattr__(self, field: str, _: object) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is frozen: {field} cannot be set")

    def __delattr__(self, field: str) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is frozen: {field} cannot be deleted")
