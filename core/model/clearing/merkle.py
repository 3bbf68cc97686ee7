"""A Merkle tree over the hashes of SDRs: equal roots prove equal sets, and a short path proves that one is in it.

Hashing follows RFC 6962, 2.1 (leaf 0x00, node 0x01, the left subtree the largest power of two). As a set has no order,
the leaves are sorted; this is ours.
"""

from collections.abc import Iterable
from hashlib import sha256

from pydantic import BaseModel, ConfigDict


class Proof(BaseModel):
    """That a leaf is in the tree of `size` leaves: its index, and the sibling hashes from it to the root (hex)."""

    model_config = ConfigDict(frozen=True)

    index: int
    size: int
    path: tuple[str, ...]


def root_of(hashes: Iterable[str]) -> str:
    """The root over a set of hashes (hex), hex."""
    level = _leaves(hashes)
    return _root(level).hex()


def proof_of(hashes: Iterable[str], one: str) -> Proof | None:
    """The proof that one hash is in the set; None where it is not."""
    ordered = sorted({bytes.fromhex(each) for each in hashes})
    wanted = bytes.fromhex(one)
    if wanted not in ordered:
        return None
    index = ordered.index(wanted)
    return Proof(index=index, size=len(ordered), path=tuple(each.hex() for each in _path(index, _leaves(hashes))))


def proves(proof: Proof, one: str, root: str) -> bool:
    """Whether the proof leads from a hash to the root (RFC 9162, 2.1.3.2)."""
    if not 0 <= proof.index < proof.size:
        return False
    place, last = proof.index, proof.size - 1
    try:
        at = _leaf(bytes.fromhex(one))
        for sibling in map(bytes.fromhex, proof.path):
            if last == 0:
                return False
            if place & 1 or place == last:
                at = _node(sibling, at)
                while not place & 1 and place:
                    place, last = place >> 1, last >> 1
            else:
                at = _node(at, sibling)
            place, last = place >> 1, last >> 1
    except ValueError:
        return False
    return last == 0 and at.hex() == root


def _leaves(hashes: Iterable[str]) -> list[bytes]:
    return [_leaf(one) for one in sorted({bytes.fromhex(each) for each in hashes})]


def _root(leaves: list[bytes]) -> bytes:
    """Level by level: pairing neighbours and carrying an odd last one up gives the tree of RFC 6962."""
    if not leaves:
        return sha256(b"").digest()
    while len(leaves) > 1:
        paired = [_node(leaves[at], leaves[at + 1]) for at in range(0, len(leaves) - 1, 2)]
        leaves = paired + leaves[len(paired) * 2 :]
    return leaves[0]


def _path(index: int, leaves: list[bytes]) -> list[bytes]:
    found = []
    while len(leaves) > 1:
        sibling = index ^ 1
        if sibling < len(leaves):
            found.append(leaves[sibling])
        paired = [_node(leaves[at], leaves[at + 1]) for at in range(0, len(leaves) - 1, 2)]
        leaves = paired + leaves[len(paired) * 2 :]
        index >>= 1
    return found


def _leaf(content: bytes) -> bytes:
    return sha256(b"\0" + content).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\1" + left + right).digest()
