// All markets at a glance, and what stands behind the chosen one.
import { Card } from "../parts/card";
import { usd } from "../parts/decimal";
import { Line, Num } from "../parts/num";
import { type Column, Table } from "../parts/table";
import { choose, coin, markets, venue } from "../state/venue";
import { priceText } from "../trade/market_bar";
import type { Market } from "../wire/types";

type Pool = { equity: string; position: string; notional: string; cap: string };
export type Fund = { coin: string; insurance: string; claim_cap: string; backstop: Pool; amm: Pool; short: string };
export type Funds = { vault: string; bad_debt: string; fees: string; pending_withdrawals: string; funds: Fund[] };

function Meter({ value, of, label }: { value: string; of: string; label: string }) {
  const used = Number(of) > 0 ? Math.min(1, Number(value) / Number(of)) : 0;
  const tone = used > 0.9 ? "bad" : used > 0.7 ? "warn" : "good";
  return (
    <svg class={`bar ${tone}`} viewBox="0 0 100 8" preserveAspectRatio="none" role="img" aria-label={`${label}: ${(100 * used).toFixed(1)} %`}>
      <rect class="ground" width="100" height="8" />
      <rect class="fill" width={used * 100} height="8" />
    </svg>
  );
}

const State = ({ of, fine }: { of: string; fine: string }) => <span class={of === fine ? "good" : "warn"}>{of.replaceAll("_", " ")}</span>;

function basis(one: Market): string | null {
  return one.mark && one.index ? (Number(one.mark) / Number(one.index) - 1).toFixed(8) : null;
}

const liveOf = (one: Market): number => one.sources.filter((source) => source.is_live).length;

function columnsOf(funds: Funds | null): Column<Market>[] {
  return [
    { head: "Market", of: (one) => <Chooser of={one.coin} /> },
    { head: "Status", of: (one) => <State of={one.status} fine="active" /> },
    { head: "Breaker", of: (one) => <State of={one.breaker} fine="normal" /> },
    { head: "Mark", of: (one) => (one.mark ? priceText(one.mark, one.size_decimals) : "–") },
    { head: "To index", of: (one) => <Num v={basis(one)} as="share" d={3} tone /> },
    { head: "Index age", look: (one) => (one.is_fresh ? "" : "bad"), of: (one) => (one.index_age_ms === null ? "–" : `${(one.index_age_ms / 1000).toFixed(1)} s`) },
    { head: "Sources", look: (one) => (liveOf(one) < one.sources.length ? "warn" : ""), of: (one) => `${liveOf(one)}/${one.sources.length}` },
    { head: "Open interest", of: (one) => <Num v={one.open_interest_usd} d={0} /> },
    { head: "Of its cap", look: "barred", of: (one) => <Meter value={one.open_interest} of={one.open_interest_cap} label={`Open interest of ${one.coin} against its cap`} /> },
    { head: "Leverage", of: (one) => <Caps of={one} /> },
    { head: "Funding, 1h", of: (one) => <Num v={one.funding_rate} as="share" d={4} tone /> },
    { head: "Insurance", of: (one) => <Num v={funds?.funds.find((fund) => fund.coin === one.coin)?.insurance} d={0} name={`insurance-${one.coin}`} /> },
  ];
}

const Chooser = ({ of }: { of: string }) => (
  <button type="button" class="plain strong" aria-pressed={of === coin.value} onClick={() => choose(of)}>
    {of}
  </button>
);

const Caps = ({ of }: { of: Market }) => (
  <>
    {of.max_leverage}× <small>of {of.tiers[0]?.max_leverage}×</small>
  </>
);

export function Markets({ funds }: { funds: Funds | null }) {
  return (
    <Card title="Markets" note="choose one to see it below" wide>
      <Table
        label="Markets"
        columns={columnsOf(funds)}
        rows={markets.value}
        keyOf={(one) => one.coin}
        rowOf={(one) => ({ class: one.coin === coin.value ? "chosen" : "", "data-market": one.coin })}
        empty="No market is listed yet."
      />
    </Card>
  );
}

export function System({ funds }: { funds: Funds | null }) {
  const now = venue.value;
  if (now === null) return null;
  return (
    <Card title="The venue">
      <dl class="grid-lines">
        <Line label="Status">
          <State of={now.status} fine="active" />
        </Line>
        <Line label="Disk">{now.is_writing ? <span class="good">writing</span> : <span class="bad">not writing</span>}</Line>
        <Line label="In liquidation" help="Buckets in the liquidation queue">
          <span class={now.due ? "warn" : ""}>{now.due}</span>
        </Line>
        <Line label="Waiting" help="Commands that wait for their turn">
          {now.waiting}
        </Line>
        <Line label="Accounts">{now.accounts.toLocaleString("en")}</Line>
        <Line label="Orders">{now.orders.toLocaleString("en")}</Line>
        <Line label="Vault" help="Deposited and not paid out">
          <Num v={now.vault} d={0} />
        </Line>
        <Line label="Insurance">
          <Num v={now.insurance} d={0} />
        </Line>
        <Line label="Fees earned">
          <Num v={funds?.fees} />
        </Line>
        <Line label="Leaving">
          <Num v={funds?.pending_withdrawals} />
        </Line>
        <Line label="Bad debt">
          <Num v={now.bad_debt} tone />
        </Line>
      </dl>
    </Card>
  );
}

export function Behind({ funds }: { funds: Funds | null }) {
  const fund = funds?.funds.find((one) => one.coin === coin.value);
  if (!fund) return null;
  return (
    <Card title={`Behind ${fund.coin}`} note="what pays before winners are asked">
      <dl class="lines">
        <Line label="Insurance fund">
          <Num v={fund.insurance} name="fund-insurance" />
        </Line>
        <Line label="Backstop equity">
          <Num v={fund.backstop.equity} />
        </Line>
        <Line label="Backstop holds" help="Notional, of at most its cap">
          <span>
            <Num v={fund.backstop.notional} /> <small>of {usd(fund.backstop.cap, 0)}</small>
          </span>
        </Line>
        <Line label="Liquidity pool">
          <Num v={fund.amm.equity} />
        </Line>
        <Line label="Being shared out" help="Debt that winners are asked for">
          <Num v={fund.short} />
        </Line>
      </dl>
      <Meter value={fund.backstop.notional} of={fund.backstop.cap} label="Backstop against its cap" />
    </Card>
  );
}
