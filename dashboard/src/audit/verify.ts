// Proofs of inclusion, checked here and not by the venue: leaf, way to the root, and the sums on the way.
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, concatBytes, hexToBytes } from "@noble/hashes/utils.js";
import { shifted } from "../parts/decimal";

export type Step = { hash: string; sum: string; is_left: boolean };
export type Leaf = { bucket: string; number: number; equity: string; path: Step[] };
export type Tree = { sequence: number; root: string; total: string; below: string; leaves: number };
export type Inclusion = { address: string; tree: Tree; leaves: Leaf[] };

const SUM_BITS = 128n;

function bytesOf(value: bigint, bits: bigint): Uint8Array {
  const whole = value < 0n ? (1n << bits) + value : value;
  return hexToBytes(whole.toString(16).padStart(Number(bits / 4n), "0"));
}

/** "" when the proof leads to the tree's root and total; else what is wrong. */
export function fault(address: string, leaf: Leaf, tree: Tree): string {
  const equity = BigInt(leaf.equity);
  const body = concatBytes(hexToBytes(address.slice(2)), bytesOf(BigInt(leaf.number), 64n), bytesOf(equity, SUM_BITS));
  let hash = sha256(body);
  let sum = equity > 0n ? equity : 0n;
  for (const step of leaf.path) {
    const [other, more] = [hexToBytes(step.hash), BigInt(step.sum)];
    if (more < 0n) return "a neighbour's sum is negative";
    const mine = concatBytes(hash, bytesOf(sum, SUM_BITS));
    const theirs = concatBytes(other, bytesOf(more, SUM_BITS));
    hash = sha256(step.is_left ? concatBytes(theirs, mine) : concatBytes(mine, theirs));
    sum += more;
  }
  if (bytesToHex(hash) !== tree.root) return "the way does not lead to the root";
  if (sum !== BigInt(shifted(tree.total, 6).split(".")[0]!)) return "the sums do not add up to the total";
  return "";
}
