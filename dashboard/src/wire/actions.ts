// Orders and other actions in the wire's form. The order of keys is part of what is signed.
import { Refusal } from "./http";
import { act } from "./session";

export type Kind = "market" | "limit" | "stop" | "take" | "trail" | "twap";
export type Tif = "Gtc" | "Ioc" | "Alo";
export type Trigger = { kind: "tp" | "sl"; price: string; limit: string | null };
type WireOrder = { a: number; b: boolean; p: string; s: string; r: boolean; t: unknown };

/** Trailing zeros and a lone point go, as the signature wants it. */
export function plain(text: string): string {
  return text.includes(".") ? text.replace(/0+$/, "").replace(/\.$/, "") : text;
}

export function limitOrder(asset: number, isBuy: boolean, price: string, size: string, reduce: boolean, tif: Tif | "FrontendMarket"): WireOrder {
  return { a: asset, b: isBuy, p: plain(price), s: plain(size), r: reduce, t: { limit: { tif } } };
}

export function triggerOrder(asset: number, isBuy: boolean, size: string, reduce: boolean, trigger: Trigger): WireOrder {
  const price = plain(trigger.limit ?? trigger.price);
  return {
    a: asset,
    b: isBuy,
    p: price,
    s: plain(size),
    r: reduce,
    t: { trigger: { isMarket: trigger.limit === null, triggerPx: plain(trigger.price), tpsl: trigger.kind } },
  };
}

/** Places orders; a sentence on what became of the first. Throws Refusal when that one was refused. */
export async function place(orders: WireOrder[], grouping: "na" | "normalTpsl" | "positionTpsl"): Promise<string> {
  const told = await act({ type: "order", orders, grouping });
  return said(told.data.statuses);
}

function said(statuses: any[]): string {
  const refused = statuses.find((status) => status?.error);
  if (refused) throw new Refusal("refused", refused.error);
  const first = statuses[0];
  if (first.filled) return `Filled ${first.filled.totalSz} at ${first.filled.avgPx}`;
  if (first.resting) return `Order ${first.resting.oid} rests on the book`;
  return "The trigger is set";
}

export async function cancel(asset: number, oid: number): Promise<void> {
  const told = await act({ type: "cancel", cancels: [{ a: asset, o: oid }] });
  const status = told.data.statuses[0];
  if (status?.error) throw new Refusal("refused", status.error);
}

export async function modify(oid: number, order: WireOrder): Promise<string> {
  const told = await act({ type: "batchModify", modifies: [{ oid, order }] });
  return said(told.data.statuses);
}

export async function trail(asset: number, isBuy: boolean, size: string, distance: string): Promise<string> {
  const told = await act({ type: "trailingStop", a: asset, b: isBuy, s: plain(size), distance: plain(distance) });
  return said(told.data.statuses);
}

export async function twap(asset: number, isBuy: boolean, size: string, reduce: boolean, minutes: number): Promise<string> {
  const told = await act({ type: "twapOrder", twap: { a: asset, b: isBuy, s: plain(size), r: reduce, m: minutes, t: false } });
  if (told.data.status.error) throw new Refusal("refused", told.data.status.error);
  return `TWAP ${told.data.status.running.twapId} runs for ${minutes} minutes`;
}

export async function cancelTwap(asset: number, id: number): Promise<void> {
  const told = await act({ type: "twapCancel", a: asset, t: id });
  if (told.data.status.error) throw new Refusal("refused", told.data.status.error);
}

export async function setLeverage(asset: number, isCross: boolean, leverage: number): Promise<void> {
  await act({ type: "updateLeverage", asset, isCross, leverage });
}

/** USD into an isolated position; negative: out of it. */
export async function isolatedMargin(asset: number, usdMicro: number): Promise<void> {
  await act({ type: "updateIsolatedMargin", asset, isBuy: true, ntli: usdMicro });
}

/** A whole position between cross and isolated; `margin` USD go with it to isolated. */
export async function movePosition(asset: number, isCross: boolean, margin: string): Promise<void> {
  await act({ type: "movePosition", asset, isCross, margin: plain(margin) });
}

/** USD out of the venue, to an address on its chain. The owner signs. */
export async function withdraw(destination: string, amount: string): Promise<void> {
  await act({ type: "withdraw3", destination, amount: plain(amount) });
}

/** USD to another owner's margin account. The owner signs. */
export async function sendUsd(destination: string, amount: string): Promise<void> {
  await act({ type: "usdSend", destination, amount: plain(amount) });
}

/** USD between margin and what the owner holds outside it. The owner signs. */
export async function moveClass(amount: string, toPerp: boolean): Promise<void> {
  await act({ type: "usdClassTransfer", amount: plain(amount), toPerp });
}

/** Cross of the owner, or of a sub-account, into portfolio margin or out of it. The owner signs. */
export async function setPortfolio(user: string, enabled: boolean): Promise<void> {
  await act({ type: "userPortfolioMargin", user, enabled });
}

/** What of an asset: units of its coin, or a liquidity position. */
export type Piece = { size: string } | { token: string };
const piece = (of: Piece): Piece => ("size" in of ? { size: plain(of.size) } : of);

/** Collateral out of cross to the owner. The owner signs, as it does all that follows. */
export async function withdrawCollateral(collateral: number, of: Piece): Promise<void> {
  await act({ type: "withdrawCollateral", collateral, ...piece(of) });
}

/** Collateral into a market's isolated bucket, or back to cross. */
export async function moveCollateral(collateral: number, of: Piece, asset: number, isCross: boolean): Promise<void> {
  await act({ type: "moveCollateral", collateral, ...piece(of), asset, isCross });
}

/** Collateral of a bucket that sells, not above a price. */
export async function buyCollateral(collateral: number, size: string, price: string, bucket: number): Promise<void> {
  await act({ type: "buyCollateral", collateral, size: plain(size), price: plain(price), bucket });
}

export async function collectFees(collateral: number, token: string): Promise<void> {
  await act({ type: "collectFees", collateral, token });
}

/** A part of a position's liquidity, more than 0 and less than 1. */
export async function decreaseLiquidity(collateral: number, token: string, part: string): Promise<void> {
  await act({ type: "decreaseLiquidity", collateral, token, part: plain(part) });
}

export async function moveRange(collateral: number, token: string, lower: string, upper: string): Promise<void> {
  await act({ type: "moveRange", collateral, token, lower: plain(lower), upper: plain(upper) });
}

/** A new sub-account; its address. */
export async function createSub(name: string): Promise<string> {
  return (await act({ type: "createSubAccount", name })).data as string;
}

/** USD between the owner and a sub-account. */
export async function subTransfer(sub: string, isDeposit: boolean, usdMicro: number): Promise<void> {
  await act({ type: "subAccountTransfer", subAccountUser: sub, isDeposit, usd: usdMicro });
}
