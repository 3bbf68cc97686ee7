"""Check characters of contract identifiers.

ISO 15118 and eMI3 (IDRR Annex 1; Chen, Niemenmaa and Vinck): each character is a pair modulo 2 and a pair modulo 3,
weighted with the powers of two matrices. DIN SPEC 91286: the decimal digits of the characters, weighted with powers of
two, modulo 11.
"""

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"

_Pair = tuple[int, int]
_Matrix = tuple[_Pair, _Pair]

_P1: _Matrix = ((0, 1), (1, 1))
_P2: _Matrix = ((0, 1), (1, 2))


def emaid_check_character(characters: str) -> str:
    """The 15th character of an EMAID: country, provider and instance (14 characters, upper case) go in."""
    return next(character for character in ALPHABET if _is_balanced(characters + character))


def din_check_digit(characters: str) -> str:
    """The last character of a DIN SPEC 91286 contract id, 0 to 9 or X: country, provider and instance (11) go in."""
    digits = "".join(str(ALPHABET.index(character)) for character in characters)
    remainder = sum(int(digit) << place for place, digit in enumerate(digits)) % 11
    return "X" if remainder == 10 else str(remainder)


def _is_balanced(characters: str) -> bool:
    values = [ALPHABET.index(character) for character in characters]
    halves = [(value // 18, value // 9 % 2) for value in values]
    thirds = [(value // 3 % 3, value % 3) for value in values]
    return _weighted_sum(halves, _P1, 2) == (0, 0) and _weighted_sum(thirds, _P2, 3) == (0, 0)


def _weighted_sum(rows: list[_Pair], matrix: _Matrix, modulus: int) -> _Pair:
    """The sum of row i times matrix to the power i, counted from 1, by Horner's rule."""
    total = (0, 0)
    for row in reversed(rows):
        a, b = total[0] + row[0], total[1] + row[1]
        total = (
            (a * matrix[0][0] + b * matrix[1][0]) % modulus,
            (a * matrix[0][1] + b * matrix[1][1]) % modulus,
        )
    return total
