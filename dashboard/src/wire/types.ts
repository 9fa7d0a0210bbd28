// The shapes that the pages read, as the venue's OpenAPI and Hyperliquid's API have them. Numbers are decimal text.

export type Tier = { lower: string; max_leverage: number; maintenance: string };
export type Market = {
  coin: string;
  market: number;
  status: string;
  breaker: string;
  size_decimals: number;
  mark: string | null;
  index: string | null;
  is_fresh: boolean;
  index_age_ms: number | null;
  open_interest: string;
  open_interest_usd: string;
  open_interest_cap: string;
  max_leverage: number;
  leverage_limit: "tier" | "cap" | "risk" | "breaker";
  initial_live: string;
  tiers: Tier[];
  taker_fee: string;
  maker_fee: string;
  funding_rate: string;
  funding_predicted: string;
  next_funding: number;
  sources: { source: number; weight: number; is_perp: boolean; price: string | null; age_ms: number | null; is_live: boolean }[];
};
export type Venue = {
  version: string;
  network: string;
  status: string;
  time: number;
  sequence: number;
  is_writing: boolean;
  has_faucet: boolean;
  markets: number;
  accounts: number;
  orders: number;
  waiting: number;
  due: number;
  vault: string;
  insurance: string;
  bad_debt: string;
};
export type Context = {
  coin?: string;
  funding: string;
  openInterest: string;
  prevDayPx: string;
  dayNtlVlm: string;
  oraclePx: string;
  markPx: string;
  midPx: string | null;
};
export type Level = { px: string; sz: string; n: number };
export type Book = { coin: string; time: number; levels: [Level[], Level[]] };
export type Trade = { coin: string; side: "A" | "B"; px: string; sz: string; time: number; tid: number };
export type Candle = { t: number; T: number; s: string; i: string; o: string; c: string; h: string; l: string; v: string; n: number };

export type Bucket = {
  bucket: string;
  mode: "tiered" | "portfolio";
  level: string;
  equity: string;
  cash: string;
  unrealised: string;
  pending_funding: string;
  free: string;
  withdrawable: string;
  used: string;
  floor: string;
  maintenance: string;
  liquidation_end: string;
  initial: string;
  reserved: string;
  notional: string;
  margin_ratio: string | null;
  leverage: string | null;
  positions: number;
};
export type Account = {
  address: string;
  account: number;
  time: number;
  sequence: number;
  equity: string;
  notional: string;
  free: string;
  withdrawable: string;
  outside_margin: string;
  level: string;
  buckets: Bucket[];
  withdrawals: { are_open: boolean; closed_until: number | null; limit_left: string; pending: string };
};
export type FundingAhead = { rate: string; hour_1: string; hours_8: string; hours_24: string };
export type Position = {
  coin: string;
  bucket: string;
  side: "long" | "short";
  size: string;
  entry_price: string;
  mark: string;
  value: string;
  unrealised: string;
  pending_funding: string;
  funding_ahead: FundingAhead;
  leverage: number;
  maintenance: string;
  initial: string;
  liquidation_price: string | null;
  distance: string | null;
  is_being_liquidated: boolean;
};
export type Outcome = { buckets: Bucket[]; positions: Position[] };
export type WhatIf = {
  is_accepted: boolean | null;
  reasons: string[];
  warnings: string[];
  fee: string;
  before: Outcome;
  after: Outcome;
};
export type Chances = { hour_1: string; hours_8: string; hours_24: string };
export type AccountChance = { score: number; probabilities: Chances; buckets: { bucket: string; score: number; probabilities: Chances }[] };
/** Foresight before and after, on the same paths. */
export type ForesightAfter = { paths: number; basis: string; before: AccountChance; after: AccountChance };
export type Order = {
  coin: string;
  side: "A" | "B";
  limitPx: string;
  sz: string;
  oid: number;
  timestamp: number;
  triggerCondition: string;
  isTrigger: boolean;
  triggerPx: string;
  children: Order[];
  isPositionTpsl: boolean;
  reduceOnly: boolean;
  orderType: string;
  origSz: string;
  tif: string | null;
};
export type Fill = {
  coin: string;
  px: string;
  sz: string;
  side: "A" | "B";
  time: number;
  dir: string;
  closedPnl: string;
  oid: number;
  crossed: boolean;
  fee: string;
  tid: number;
  liquidation?: { liquidatedUser: string; markPx: string; method: string };
};
export type Happening = { time: number; hash: string; delta: Record<string, string | number | boolean> };
export type Funding = { time: number; coin: string; usdc: string; szi: string; fundingRate: string };
export type TwapRun = [number, { coin: string; side: "A" | "B"; sz: string; executedSz: string; minutes: number; timestamp: number }];
export type AssetData = {
  coin: string;
  leverage: { type: "cross" | "isolated"; value: number };
  maxTradeSzs: [string, string];
  availableToTrade: [string, string];
  markPx: string;
};

export type Range = {
  token: string;
  liquidity: string;
  lower: string;
  upper: string;
  in_range: boolean;
  base: string;
  quote: string;
  fair_value: string;
  fees: string | null;
  delta: string;
  gamma: string;
  start_price: string;
  start_value: string;
  held_instead: string;
  impermanent_loss: string;
  is_unwinding: boolean;
};
export type Holding = {
  asset: number;
  coin: string;
  kind: "token" | "stable" | "pool";
  size: string | null;
  value_maintenance: string;
  value_initial: string;
  range: Range | null;
};
export type Backing = { bucket: string; value_maintenance: string; value_initial: string; borrowed: string; interest_due: string; holdings: Holding[] };
export type Collateral = { address: string; time: number; borrow_rate_hour: string; buckets: Backing[] };
export type Asset = {
  asset: number;
  kind: "token" | "stable" | "pool";
  coin: string;
  index: string;
  stable_price: string;
  redemption: string | null;
  is_fresh: boolean;
  is_off_peg: boolean;
  weight_initial: string;
  weight_maintenance: string;
  haircut: string;
  liquidation_discount: string;
  held: string;
  supply_cap: string;
  supply_start: string;
  account_cap: string;
};
export type Assets = { assets: Asset[]; borrowed: string; utilisation: string; borrow_rate_hour: string; borrow_rate_year: string; reserve: string };
export type RangePast = {
  token: string;
  interval: string;
  fees_collected: string;
  fees_uncollected: string;
  lost: string;
  net: string;
  break_even_lower: string | null;
  break_even_upper: string | null;
  volatility_day: string;
  advice: { lower: string; upper: string; stay: string; days: number; value: string; left_over: string; hedge: string } | null;
  points: { time: number; price: string; value: string; lost: string; fees: string }[];
};

/** A figure that venue and chain do not agree on. */
export type Gap = { address: string; what: string; venue: number; chain: number };
/** A collateral asset that comes in by the vault of the chain, and what both sides have of it. */
export type Vaulted = { coin: string; asset: number; token: string; venue: string; chain: string };

/** The chain that keeps the accounts: GET /v1/chain. */
export type Kept = {
  chain_id: number;
  operator: string;
  block: number;
  trades: number;
  sent: number;
  final: number;
  refused: Record<string, number>;
  sales: number;
  sales_refused: Record<string, number>;
  withdrawals: number;
  collateral: Vaulted[];
  unapproved: string[];
  compared: number | null;
  gaps: Gap[];
  fault: string;
};
