// Why was I liquidated: every liquidation line by line, and what those of others did to this account.
import { Card } from "../parts/card";
import { stamp } from "../parts/decimal";
import { Lights } from "../parts/lights";
import { Line, Num } from "../parts/num";
import { type Column, Table } from "../parts/table";
import { useAsked } from "../state/asked";
import { Price } from "../trade/tables";

type Step = { time: number; sequence: number; what: string; reason: string; text: string };
type Then = { coin: string; size: string; mark: string; value: string; entry_notional: string; maintenance: string };
type Receipt = {
  bucket: string;
  started: number;
  sequence: number;
  ended: number | null;
  equity: string;
  maintenance: string;
  liquidation_end: string;
  below_backstop_share: boolean;
  positions: Then[];
  steps: Step[];
  all_closed: boolean;
  equity_after: string | null;
  closed_notional: string;
  fees: string;
  paid_by_insurance: string;
  paid_by_winners: string;
  bad_debt: string;
};
type Deleveraging = { time: number; sequence: number; what: string; reason: string; coin: string; size?: string; price?: string; value?: string; amount?: string };
type Rank = { coin: string; bucket: string; side: string; place: number; of: number; light: number; score: string; in_profit: boolean };
const EVERY_MS = 6_000;

const HELD: Column<Then>[] = [
  { head: "Held then", of: (one) => one.coin },
  { head: "Size", of: (one) => <Num v={one.size} d={5} /> },
  { head: "Mark then", of: (one) => <Price coin={one.coin} v={one.mark} /> },
  { head: "Value", of: (one) => <Num v={one.value} /> },
  { head: "Opened for", of: (one) => <Num v={one.entry_notional} /> },
  { head: "Maintenance", of: (one) => <Num v={one.maintenance} /> },
];

function ReceiptCard({ of, open }: { of: Receipt; open: boolean }) {
  return (
    <details class="receipt" open={open}>
      <summary>
        <span class="muted">{stamp(of.started)}</span> <b>{of.bucket === "cross" ? "Cross" : of.bucket}</b> was liquidated: equity{" "}
        <Num v={of.equity} name="receipt-equity" /> fell below maintenance <Num v={of.maintenance} name="receipt-maintenance" />
        {of.ended === null ? <span class="badge warn">runs</span> : null}
      </summary>
      <Table label="Positions then" columns={HELD} rows={of.positions} keyOf={(one) => one.coin} />
      <ol class="steps">
        {of.steps.map((one, number) => (
          <li key={number}>
            <span class="muted">{stamp(one.time)}</span>
            <span class={`badge ${one.what === "started" || one.what === "ended" ? "" : "warn"}`}>{one.what}</span>
            <span>
              {one.text} <small>{one.reason}</small>
            </span>
          </li>
        ))}
      </ol>
      <dl class="grid-lines">
        <Line label="Closed">
          <Num v={of.closed_notional} />
        </Line>
        <Line label="Fees" help="To the market's insurance fund">
          <Num v={of.fees} />
        </Line>
        <Line label="Paid by insurance">
          <Num v={of.paid_by_insurance} />
        </Line>
        <Line label="Shared among winners">
          <Num v={of.paid_by_winners} />
        </Line>
        <Line label="Bad debt">
          <Num v={of.bad_debt} />
        </Line>
        <Line label="Equity after">
          <Num v={of.equity_after} name="receipt-equity-after" />
        </Line>
      </dl>
      <p class="why">Command {of.sequence} of the log. It was to stop at equity {of.liquidation_end} USD.</p>
    </details>
  );
}

export function Receipts({ who }: { who: string }) {
  const { answer, error } = useAsked<{ receipts: Receipt[]; deleveragings: Deleveraging[]; is_complete: boolean }>(`/accounts/${who}/liquidations`, EVERY_MS);
  const told = answer.value;
  return (
    <Card title="Liquidations" note="why, line by line, as the log has it" wide>
      {error.value ? <p class="why bad">{error.value}</p> : null}
      {told && told.receipts.length + told.deleveragings.length === 0 ? <p class="empty">This account was never liquidated, and nobody's liquidation touched it.</p> : null}
      {told?.receipts.map((one, number) => (
        <ReceiptCard key={one.sequence + one.bucket} of={one} open={number === 0} />
      ))}
      {told && told.deleveragings.length ? (
        <ol class="steps">
          {told.deleveragings.map((one) => (
            <li key={one.sequence + one.coin}>
              <span class="muted">{stamp(one.time)}</span>
              <span class="badge warn">{one.what.replace("_", " ")}</span>
              <span>
                {one.coin} {one.size ? `${one.size} at ${one.price}` : `${one.amount} USD`} <small>{one.reason}</small>
              </span>
            </li>
          ))}
        </ol>
      ) : null}
      {told && !told.is_complete ? <p class="why">Older steps are left out.</p> : null}
    </Card>
  );
}

export function Ranks({ who }: { who: string }) {
  const { answer } = useAsked<{ policy: string; ranks: Rank[] }>(`/accounts/${who}/ranks`, EVERY_MS);
  const told = answer.value;
  if (!told || told.ranks.length === 0) return null;
  return (
    <Card title="Auto-deleveraging" note={`policy: ${told.policy.replaceAll("_", " ")}`}>
      <ul class="ranks">
        {told.ranks.map((one) => (
          <li key={one.coin + one.bucket}>
            <span>
              {one.coin} <small>{one.side}</small>
            </span>
            <Lights of={one.light} />
            <span>
              <b data-name={`rank-${one.coin}`} data-value={one.place}>
                {one.place}
              </b>{" "}
              of {one.of}
            </span>
            <small>{one.in_profit ? "in profit" : "at a loss: after all in profit"}</small>
          </li>
        ))}
      </ul>
    </Card>
  );
}
