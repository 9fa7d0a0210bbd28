// Signatures as the venue takes them: EIP-712 typed data, and L1 actions as MessagePack in the order of their keys.
// Sources: EIP-712; Hyperliquid's API documentation, "Signing". Held to the venue's own verification by tests/browser.
import { encode } from "@msgpack/msgpack";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from "@noble/hashes/utils.js";

export type Field = { name: string; type: string };
export type Action = { type: string } & Record<string, unknown>;
export type Signature = { r: string; s: string; v: number };
export type TypedData = {
  domain: { name: string; version: string; chainId: number; verifyingContract: string };
  primaryType: string;
  types: Record<string, Field[]>;
  message: Record<string, unknown>;
};

export const NOBODY = `0x${"00".repeat(20)}`;
export const DOMAIN: Field[] = [
  { name: "name", type: "string" },
  { name: "version", type: "string" },
  { name: "chainId", type: "uint256" },
  { name: "verifyingContract", type: "address" },
];
const CHAIN: Field = { name: "hyperliquidChain", type: "string" };
const NONCE: Field = { name: "nonce", type: "uint64" };
const TIME: Field = { name: "time", type: "uint64" };
const text = (name: string): Field => ({ name, type: "string" });
const whole = (name: string): Field => ({ name, type: "uint64" });
const COLLATERAL = whole("collateral");

/** Actions that the owner's wallet itself signs, with the fields that it shows. */
export const OWNERS: Record<string, { name: string; fields: Field[] }> = {
  approveAgent: {
    name: "ApproveAgent",
    fields: [CHAIN, { name: "agentAddress", type: "address" }, text("agentName"), NONCE],
  },
  buyCollateral: { name: "BuyCollateral", fields: [CHAIN, COLLATERAL, text("size"), text("price"), whole("bucket"), NONCE] },
  collectFees: { name: "CollectFees", fields: [CHAIN, COLLATERAL, text("token"), NONCE] },
  createSubAccount: { name: "CreateSubAccount", fields: [CHAIN, text("name"), NONCE] },
  decreaseLiquidity: { name: "DecreaseLiquidity", fields: [CHAIN, COLLATERAL, text("token"), text("part"), NONCE] },
  moveCollateral: {
    name: "MoveCollateral",
    fields: [CHAIN, COLLATERAL, text("size"), text("token"), whole("asset"), { name: "isCross", type: "bool" }, NONCE],
  },
  moveRange: { name: "MoveRange", fields: [CHAIN, COLLATERAL, text("token"), text("lower"), text("upper"), NONCE] },
  subAccountTransfer: {
    name: "SubAccountTransfer",
    fields: [CHAIN, text("subAccountUser"), { name: "isDeposit", type: "bool" }, whole("usd"), NONCE],
  },
  usdClassTransfer: { name: "UsdClassTransfer", fields: [CHAIN, text("amount"), { name: "toPerp", type: "bool" }, NONCE] },
  usdSend: { name: "UsdSend", fields: [CHAIN, text("destination"), text("amount"), TIME] },
  userPortfolioMargin: {
    name: "UserPortfolioMargin",
    fields: [CHAIN, { name: "user", type: "address" }, { name: "enabled", type: "bool" }, NONCE],
  },
  withdrawCollateral: { name: "WithdrawCollateral", fields: [CHAIN, COLLATERAL, text("size"), text("token"), NONCE] },
  withdraw3: { name: "Withdraw", fields: [CHAIN, text("destination"), text("amount"), TIME] },
};

export const newKey = (): string => `0x${bytesToHex(secp256k1.utils.randomSecretKey())}`;

/** The address of a private key, in lower case. */
export function addressOf(key: string): string {
  const point = secp256k1.getPublicKey(hexToBytes(key.slice(2)), false);
  return `0x${bytesToHex(keccak_256(point.slice(1)).slice(-20))}`;
}

function word(type: string, value: unknown): Uint8Array {
  if (type === "string") return keccak_256(utf8ToBytes(String(value)));
  if (type === "bool") return hexToBytes((value ? "1" : "0").padStart(64, "0"));
  if (type === "address" || type === "bytes32") return hexToBytes(String(value).slice(2).padStart(64, "0"));
  return hexToBytes(BigInt(value as number).toString(16).padStart(64, "0"));
}

function structHash(name: string, fields: Field[], values: Record<string, unknown>): Uint8Array {
  const kind = `${name}(${fields.map((field) => `${field.type} ${field.name}`).join(",")})`;
  const words = fields.map((field) => word(field.type, values[field.name]));
  return keccak_256(concatBytes(keccak_256(utf8ToBytes(kind)), ...words));
}

/** What is signed of typed data. */
export function digestOf(data: TypedData): Uint8Array {
  const domain = structHash("EIP712Domain", DOMAIN, data.domain);
  const fields = data.types[data.primaryType]!;
  return keccak_256(concatBytes(hexToBytes("1901"), domain, structHash(data.primaryType, fields, data.message)));
}

/** Signs with a key that the page holds. */
export function signTyped(key: string, data: TypedData): Signature {
  const made = secp256k1.sign(digestOf(data), hexToBytes(key.slice(2)), { prehash: false, format: "recovered" });
  return splitSignature(`0x${bytesToHex(made.slice(1))}${(27 + made[0]!).toString(16)}`);
}

/** A wallet's 65 bytes as the venue takes them. */
export function splitSignature(hex: string): Signature {
  const v = Number.parseInt(hex.slice(130, 132), 16);
  return { r: hex.slice(0, 66), s: `0x${hex.slice(66, 130)}`, v: v < 27 ? v + 27 : v };
}

/** An L1 action as typed data: its hash, vouched for by an agent of no name. */
export function l1Data(action: Action, nonce: number, isMainnet: boolean): TypedData {
  const packed = concatBytes(encode(action), hexToBytes(nonce.toString(16).padStart(16, "0")), new Uint8Array([0]));
  return {
    domain: { name: "Exchange", version: "1", chainId: 1337, verifyingContract: NOBODY },
    primaryType: "Agent",
    types: { EIP712Domain: DOMAIN, Agent: [text("source"), { name: "connectionId", type: "bytes32" }] },
    message: { source: isMainnet ? "a" : "b", connectionId: `0x${bytesToHex(keccak_256(packed))}` },
  };
}

/** An action that its owner signs, as typed data on the wallet's own chain. */
export function ownersData(action: Action): TypedData {
  const { name, fields } = OWNERS[action.type]!;
  const primaryType = `HyperliquidTransaction:${name}`;
  const message = Object.fromEntries(fields.map((field) => [field.name, action[field.name] ?? ""]));
  return {
    domain: {
      name: "HyperliquidSignTransaction",
      version: "1",
      chainId: Number(action.signatureChainId),
      verifyingContract: NOBODY,
    },
    primaryType,
    types: { EIP712Domain: DOMAIN, [primaryType]: fields },
    message,
  };
}
