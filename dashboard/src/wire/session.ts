// Who acts: a demo key that this browser holds, or a wallet (EIP-6963) whose agent key trades and cannot move money.
import { computed, signal } from "@preact/signals";
import { exchange, Refusal, v1 } from "./http";
import { keep, recall } from "./kept";
import { type Action, addressOf, DOMAIN, l1Data, newKey, OWNERS, ownersData, signTyped, type Signature, splitSignature, type TypedData } from "./sign";
import type { Venue } from "./types";

export type Provider = {
  info: { uuid: string; name: string; icon: string; rdns: string };
  provider: { request(asked: { method: string; params?: unknown[] }): Promise<any> };
};
type Session = { kind: "demo" | "wallet"; address: string; name: string; key: string | null; provider: Provider | null };

const AGENT_NAME = "dashboard";
const OWN_CHAIN = "0x66eee";

/** Wallets that have announced themselves. */
export const providers = signal<Provider[]>([]);
export const session = signal<Session | null>(null);
/** The address whose account is shown: the session's, or one that is only looked at. */
export const watched = signal<string | null>(recall("watched"));
export const address = computed(() => session.value?.address ?? watched.value);
export const canTrade = computed(() => session.value?.key != null);
let isMainnet = false;
let lastNonce = 0;

/** A nonce that is later than any before: the time in ms, at least. */
export function nonceOf(): number {
  lastNonce = Math.max(Date.now(), lastNonce + 1);
  return lastNonce;
}

/** Finds wallets, and whoever was here before. */
export async function startSession(): Promise<void> {
  window.addEventListener("eip6963:announceProvider", (event) => {
    const detail = (event as CustomEvent<Provider>).detail;
    if (!providers.value.some((known) => known.info.uuid === detail.info.uuid)) {
      providers.value = [...providers.value, detail];
      resume(detail);
    }
  });
  window.dispatchEvent(new Event("eip6963:requestProvider"));
  const demo = recall("demo");
  if (demo && recall("session") === "demo") enter({ kind: "demo", address: addressOf(demo), name: "Demo key", key: demo, provider: null });
  isMainnet = (await v1<Venue>("/status")).network === "mainnet";
}

function resume(found: Provider): void {
  const [rdns, owner] = (recall("session") ?? "").split("|");
  if (session.value === null && owner && rdns === found.info.rdns) {
    enter({ kind: "wallet", address: owner, name: found.info.name, key: recall(`agent.${owner}`), provider: found });
  }
}

function enter(next: Session): void {
  session.value = next;
  keep("session", next.kind === "demo" ? "demo" : `${next.provider!.info.rdns}|${next.address}`);
}

/** The demo key of this browser, made when there is none. */
export function useDemo(): void {
  const key = recall("demo") ?? newKey();
  keep("demo", key);
  enter({ kind: "demo", address: addressOf(key), name: "Demo key", key, provider: null });
}

/** Connects a wallet. Its account is shown; trading needs `approve` once. */
export async function useWallet(found: Provider): Promise<void> {
  const accounts: string[] = await asked(found, "eth_requestAccounts");
  const owner = accounts[0]?.toLowerCase();
  if (!owner) throw new Refusal("wallet", "The wallet shows no account.");
  enter({ kind: "wallet", address: owner, name: found.info.name, key: recall(`agent.${owner}`), provider: found });
}

/** Shows an account that is not one's own. */
export function watch(other: string | null): void {
  watched.value = other;
  keep("watched", other);
}

export function leave(): void {
  session.value = null;
  keep("session", null);
}

/** Forgets an agent that the venue no longer knows. */
export function forgetAgent(): void {
  const now = session.value;
  if (now?.kind !== "wallet") return;
  keep(`agent.${now.address}`, null);
  session.value = { ...now, key: null };
}

/** Has the wallet approve a new agent key, which trades from then on. */
export async function approve(): Promise<void> {
  const now = session.value;
  if (now?.provider == null) return;
  const key = newKey();
  await act({ type: "approveAgent", agentAddress: addressOf(key), agentName: AGENT_NAME });
  keep(`agent.${now.address}`, key);
  session.value = { ...now, key };
}

async function asked(found: Provider, method: string, params?: unknown[]): Promise<any> {
  try {
    return await found.provider.request(params ? { method, params } : { method });
  } catch (error) {
    throw new Refusal("wallet", (error as Error).message || "The wallet refused.");
  }
}

async function signed(now: Session, data: TypedData): Promise<Signature> {
  if (now.provider === null) return signTyped(now.key!, data);
  return splitSignature(await asked(now.provider, "eth_signTypedData_v4", [now.address, JSON.stringify(data)]));
}

/** Whose signatures the venue takes. */
export const network = (): string => (isMainnet ? "mainnet" : "testnet");

/** The chain that the owner's wallet is on; of a demo key, a test chain's. */
export async function chainId(): Promise<number> {
  const found = session.value?.provider;
  return Number(found ? await asked(found, "eth_chainId") : OWN_CHAIN);
}

/** The owner's signature of typed data: the wallet shows it, a demo key signs at once. Throws Refusal. */
export async function signData(data: TypedData): Promise<Signature> {
  const now = session.value;
  if (now === null) throw new Refusal("session", "Connect first.");
  const types = { EIP712Domain: DOMAIN, ...data.types };
  return signed(now, { ...data, types });
}

type Told = { status: "ok"; response: { type: string; data?: any } } | { status: "err"; response: string };

/** Signs an action and sends it; what the venue answered. Throws Refusal with its words. */
export async function act(action: Action): Promise<{ type: string; data?: any }> {
  const now = session.value;
  if (now === null) throw new Refusal("session", "Connect first.");
  const nonce = nonceOf();
  const told = await exchange<Told>(await (isOwners(action) ? byOwner(now, action, nonce) : byKey(now, action, nonce)));
  if (told.status === "ok") return told.response;
  if (now.kind === "wallet" && !isOwners(action) && /does not exist|agent/i.test(told.response)) forgetAgent();
  throw new Refusal("refused", told.response);
}

const isOwners = (action: Action): boolean => action.type in OWNERS;
const stampOf = (action: Action): string => (OWNERS[action.type]!.fields.some((field) => field.name === "time") ? "time" : "nonce");

async function byOwner(now: Session, action: Action, nonce: number): Promise<unknown> {
  const chain: string = now.provider === null ? OWN_CHAIN : await asked(now.provider, "eth_chainId");
  const whole: Action = {
    ...action,
    hyperliquidChain: isMainnet ? "Mainnet" : "Testnet",
    signatureChainId: chain,
    [stampOf(action)]: nonce,
  };
  return { action: whole, nonce, signature: await signed(now, ownersData(whole)), vaultAddress: null };
}

async function byKey(now: Session, action: Action, nonce: number): Promise<unknown> {
  if (now.key === null) throw new Refusal("session", "Enable trading first: your wallet approves an agent key once.");
  return { action, nonce, signature: signTyped(now.key, l1Data(action, nonce, isMainnet)), vaultAddress: null };
}
