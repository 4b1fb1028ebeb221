"""drgn's types and constants, made of a kernel's BTF when they are first asked for."""

from collections.abc import Callable

from drgn import (
    AbsenceReason,
    FindObjectFlags,
    Object,
    Program,
    Qualifiers,
    Type,
    TypeEnumerator,
    TypeKind,
    TypeKindSet,
    TypeMember,
    TypeParameter,
)

from hugeresv.sources.drgn.btf import Btf, BtfKind, Record

_KINDS = {
    TypeKind.STRUCT: (BtfKind.STRUCT,),
    TypeKind.UNION: (BtfKind.UNION,),
    TypeKind.ENUM: (BtfKind.ENUM, BtfKind.ENUM64),
    TypeKind.TYPEDEF: (BtfKind.TYPEDEF,),
    TypeKind.INT: (BtfKind.INT,),
    TypeKind.BOOL: (BtfKind.INT,),
    TypeKind.FLOAT: (BtfKind.FLOAT,),
}
_AS_COMPILERS_SAY = {
    "short": "short int",
    "unsigned short": "short unsigned int",
    "long": "long int",
    "unsigned long": "long unsigned int",
    "long long": "long long int",
    "unsigned long long": "long long unsigned int",
}
_AS_DRGN_SAYS = {name: short for short, name in _AS_COMPILERS_SAY.items()}
_SIGNED, _BOOL = 1 << 24, 4 << 24
_QUALIFIERS = {
    BtfKind.CONST: Qualifiers.CONST,
    BtfKind.VOLATILE: Qualifiers.VOLATILE,
    BtfKind.RESTRICT: Qualifiers.RESTRICT,
}


class BtfTypes:
    """Finds types and enumerators for one program."""

    def __init__(self, program: Program, btf: Btf) -> None:
        self._program = program
        self._btf = btf
        self._made: dict[int, Type] = {}

    def register(self) -> None:
        """Be asked before what else the program knows."""
        self._program.register_type_finder("btf", self._find_type, enable_index=0)
        self._program.register_object_finder("btf", self._find_constant, enable_index=-1)

    def _find_type(self, _: Program, kinds: TypeKindSet, name: str, filename: str | None) -> Type | None:
        for wanted in kinds:
            for kind in _KINDS.get(wanted, ()):
                number = self._btf.find(kind, name) or self._btf.find(kind, _AS_COMPILERS_SAY.get(name, name))
                if number and self._type(number).kind is wanted:
                    return self._type(number)
        return None

    def _find_constant(
        self, program: Program, name: str, flags: FindObjectFlags, filename: str | None
    ) -> Object | None:
        found = self._btf.constant(name) if flags & FindObjectFlags.CONSTANT else None
        return Object(program, self._type(found[0]), value=found[1]) if found else None

    def _type(self, number: int) -> Type:
        if number not in self._made:
            self._made[number] = self._make(number)
        return self._made[number]

    def _make(self, number: int) -> Type:
        program, record = self._program, self._btf.record(number)
        match record.kind:
            case BtfKind.VOID:
                return program.void_type()
            case BtfKind.INT | BtfKind.FLOAT:
                return self._number(record)
            case BtfKind.PTR:
                return program.pointer_type(self._type(record.target))
            case BtfKind.ARRAY:
                element, count = self._btf.array(record)
                return program.array_type(self._type(element), count)
            case BtfKind.STRUCT | BtfKind.UNION:
                make = program.struct_type if record.kind is BtfKind.STRUCT else program.union_type
                return make(record.name or None, record.target, self._members(record))
            case BtfKind.FWD:
                return (program.union_type if record.flag else program.struct_type)(record.name)
            case BtfKind.ENUM | BtfKind.ENUM64:
                return self._enum(record)
            case BtfKind.TYPEDEF:
                return program.typedef_type(record.name, self._type(record.target))
            case BtfKind.CONST | BtfKind.VOLATILE | BtfKind.RESTRICT:
                target = self._type(record.target)
                return target.qualified(target.qualifiers | _QUALIFIERS[record.kind])
            case BtfKind.FUNC_PROTO:
                return self._function(record)
        return self._type(record.target)  # what only says more of another type, such as TYPE_TAG

    def _number(self, record: Record) -> Type:
        if record.kind is BtfKind.FLOAT:
            return self._program.float_type(record.name, record.target)
        name, encoding = _AS_DRGN_SAYS.get(record.name, record.name), self._btf.word(record)
        if encoding & _BOOL:
            return self._program.bool_type(name, record.target)
        return self._program.int_type(name, record.target, bool(encoding & _SIGNED))

    def _members(self, record: Record) -> list[TypeMember]:
        return [
            TypeMember(self._member(member.type, member.bit_size), member.name or None, member.bit_offset)
            for member in self._btf.members(record)
        ]

    def _member(self, number: int, bit_size: int) -> Callable[[], Type | Object]:
        """A member's type when it is asked for: types refer to each other in circles."""
        if not bit_size:
            return lambda: self._type(number)
        return lambda: Object(
            self._program, self._type(number), absence_reason=AbsenceReason.OTHER, bit_field_size=bit_size
        )

    def _enum(self, record: Record) -> Type:
        compatible = self._program.int_type("int" if record.flag else "unsigned int", record.target, record.flag)
        return self._program.enum_type(
            record.name or None,
            compatible,
            [TypeEnumerator(name, value) for name, value in self._btf.enumerators(record)],
        )

    def _function(self, record: Record) -> Type:
        parameters = [
            TypeParameter(self._member(number, 0), name or None)
            for name, number in self._btf.parameters(record)
            if number
        ]
        return self._program.function_type(self._type(record.target), parameters)
