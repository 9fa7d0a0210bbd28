// Collateral other than USD of the shown account: what it counts for and why, what is owed against it, and its forms.
import { Card } from "../parts/card";
import { share, usd } from "../parts/decimal";
import { Line, Num } from "../parts/num";
import { type Column, Table } from "../parts/table";
import { useAsked } from "../state/asked";
import { session } from "../wire/session";
import type { Asset, Assets, Backing, Collateral, Holding, Kept } from "../wire/types";
import { CollateralButton } from "./collateral_form";
import { RangePanel } from "./range";

type Row = { bucket: string; of: Holding; asset: Asset | undefined };
const EVERY_MS = 4_000;

/** `held` as a share of a cap; "–" without one. */
const used = (asset: Asset): string => (Number(asset.supply_cap) > 0 ? share((Number(asset.held) / Number(asset.supply_cap)).toFixed(6), 1) : "–");

const COLUMNS: Column<Row>[] = [
  { head: "Bucket", of: (one) => one.bucket },
  { head: "Asset", of: (one) => <span title={`number ${one.of.asset}`}>{one.of.kind === "pool" ? `${one.of.coin} pool` : one.of.coin}</span> },
  { head: "Amount", of: (one) => (one.of.range ? <>position {one.of.range.token}</> : <Num v={one.of.size} d={4} name={`lots-${one.of.coin}`} />) },
  { head: "Price", help: "The index of its market, never this venue's own book", of: (one) => <Num v={one.asset?.index} /> },
  { head: "Weight", help: "Share that backs new risk now, shrunk with what the venue holds", of: (one) => <Num v={one.asset?.weight_initial} as="share" d={1} name={`weight-${one.of.asset}`} /> },
  { head: "Kept", help: "Share that keeps open positions", of: (one) => <Num v={one.asset?.weight_maintenance} as="share" d={1} /> },
  { head: "Haircut", of: (one) => <Num v={one.asset?.haircut} as="share" d={1} /> },
  { head: "New risk", help: "USD that it counts for in initial margin", of: (one) => <Num v={one.of.value_initial} name={`initial-${one.of.asset}`} /> },
  { head: "Positions", help: "USD that it counts for in maintenance", of: (one) => <Num v={one.of.value_maintenance} name={`maintenance-${one.of.asset}`} /> },
  { head: "Cap used", help: "What the venue holds of it, of the most that it takes", of: (one) => (one.asset ? used(one.asset) : "–") },
  { head: "State", of: (one) => <State of={one.asset} /> },
];

function State({ of }: { of: Asset | undefined }) {
  if (of === undefined) return <>–</>;
  if (!of.is_fresh) return <span class="warn">stale price: backs no new risk</span>;
  return of.is_off_peg ? <span class="warn">off its peg: backs no new risk</span> : <span class="good">fresh</span>;
}

function Owed({ of, rates }: { of: Backing; rates: Assets }) {
  return (
    <dl class="grid-lines roomy">
      <Line label={`Borrowed, ${of.bucket}`} help="USD that its cash is short of: interest runs on it">
        <Num v={of.borrowed} name={`borrowed-${of.bucket}`} />
      </Line>
      <Line label="Interest due" help="Fallen due and not charged yet">
        <Num v={of.interest_due} d={6} />
      </Line>
      <Line label="Rate an hour">
        <Num v={rates.borrow_rate_hour} as="share" d={6} />
      </Line>
      <Line label="Rate a year" help="Not compounded">
        <Num v={rates.borrow_rate_year} as="share" />
      </Line>
      <Line label="Lent of all USD" help="The rate rises with it">
        <Num v={rates.utilisation} as="share" />
      </Line>
    </dl>
  );
}

/** How collateral comes in where a chain keeps the accounts, and whether this account's waits. */
function Vault({ of, who }: { of: Kept; who: string }) {
  return (
    <>
      {of.unapproved.includes(who) ? <p class="why warn">A deposit of yours waits: approve {of.operator} on the Exchange.</p> : null}
      <p class="why" data-name="vault">
        It comes in by the vault of chain {of.chain_id}: {of.collateral.map((one) => `${one.coin} is token ${one.token}`).join(", ")}.
      </p>
    </>
  );
}

/** Nothing on a venue that takes USD alone. */
export function CollateralCard({ who }: { who: string }) {
  const rates = useAsked<Assets>("/assets", EVERY_MS).answer.value;
  const { answer, error } = useAsked<Collateral>(`/accounts/${who}/collateral`, EVERY_MS);
  const kept = useAsked<Kept>("/chain", EVERY_MS).answer.value;
  if (rates === null || rates.assets.length === 0) return null;
  const buckets = answer.value?.buckets ?? [];
  const rows = buckets.flatMap((one) => one.holdings.map((of) => ({ bucket: one.bucket, of, asset: rates.assets[of.asset] })));
  const total = buckets.reduce((sum, one) => sum + Number(one.value_maintenance), 0).toFixed(2);
  return (
    <Card title="Collateral" note={answer.value ? `${usd(total)} USD beside cash, as positions are kept` : ""} wide>
      {error.value ? <p class="why bad">{error.value}</p> : null}
      <Table
        label="Collateral held"
        look="left-end"
        columns={COLUMNS}
        rows={rows}
        keyOf={(one) => `${one.bucket}-${one.of.asset}-${one.of.range?.token ?? ""}`}
        empty="Cash alone backs this account."
      />
      {buckets.map((one) => (
        <Owed key={one.bucket} of={one} rates={rates} />
      ))}
      {kept?.collateral.length ? <Vault of={kept} who={who} /> : null}
      {session.value?.address === who ? <CollateralButton who={who} isKept={kept !== null} assets={rates.assets} held={rows.map((one) => ({ bucket: one.bucket, of: one.of }))} /> : null}
      {rows
        .filter((one) => one.of.range)
        .map((one) => (
          <RangePanel key={`${one.of.asset}-${one.of.range!.token}`} who={who} bucket={one.bucket} of={one.of} price={one.asset?.index ?? "0"} />
        ))}
    </Card>
  );
}
