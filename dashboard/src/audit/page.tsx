// The state, and what of it can be checked: hashes, promises, books, and that the own account is in them.
import { Card } from "../parts/card";
import { plus, stamp } from "../parts/decimal";
import { Line, Num } from "../parts/num";
import { type Column, Table } from "../parts/table";
import { useAsked } from "../state/asked";
import { address } from "../wire/session";
import { Chain } from "./chain";
import { fault, type Inclusion, type Tree } from "./verify";

type Snapshot = { sequence: number; state_hash: string; chain: string; record_hash: string };
type Proofs = { time: number; sequence: number; chain: string; journal_head: string; durable: number; snapshots: Snapshot[] };
type Books = { vault: string; equity: string; insurance: string; pending: string; fees: string; dust: string; bad_debt: string; rounding: string };
type Check = { name: string; promise: string; holds: boolean; facts: string };
type Checks = { time: number; sequence: number; checks: Check[]; books: Books; tree: Tree };
type Ledger = { head: { opening_cash: string }; lines: { amount: string }[]; tail: { closing_cash: string } };
const EVERY_MS = 6_000;
const LEDGER_MS = 15_000;

const Hash = ({ of, name }: { of: string; name?: string }) => (
  <span class="hash" data-name={name}>
    {of}
  </span>
);

const SNAPSHOTS: Column<Snapshot>[] = [
  { head: "Snapshot at", of: (one) => one.sequence.toLocaleString("en") },
  { head: "State", look: "last", of: (one) => <Hash of={one.state_hash} /> },
];

function Heads() {
  const { answer, error } = useAsked<Proofs>("/proofs", EVERY_MS);
  const told = answer.value;
  return (
    <Card title="Log and state" note="a copy of the journal must give the same: seawall journal verify, seawall journal replay" wide>
      {error.value ? <p class="why bad">{error.value}</p> : null}
      {told ? (
        <>
          <dl class="lines hashes">
            <Line label="Command">
              {told.sequence.toLocaleString("en")} <small>{stamp(told.time)}, on disk up to {told.durable.toLocaleString("en")}</small>
            </Line>
            <Line label="Chain" help="Hash over all commands, results and events so far">
              <Hash of={told.chain} name="chain" />
            </Line>
            <Line label="Journal head" help="Hash of the journal's last record, which holds that of the one before">
              <Hash of={told.journal_head} name="journal-head" />
            </Line>
          </dl>
          <Table
            label="Snapshots"
            look="left"
            columns={SNAPSHOTS}
            rows={told.snapshots}
            keyOf={(one) => one.sequence}
            empty="No snapshot yet: the first is kept at a stop, or after half an hour."
          />
        </>
      ) : null}
    </Card>
  );
}

const PARTS: [keyof Books, string, string][] = [
  ["equity", "Equity of all accounts and pools", "At the marks, those below 0 too"],
  ["insurance", "Insurance funds", "All markets"],
  ["pending", "Withdrawals on their way", "Frozen to be paid out"],
  ["fees", "The venue's income", "Fees that belong to it"],
  ["dust", "Roundings that were kept", "Of divisions that left something"],
  ["bad_debt", "Debt that nobody made good", "0 or below"],
  ["rounding", "Rounding of unsettled funding", "Below one micro-USD a position"],
];

function BooksCard({ of }: { of: Books }) {
  const sum = plus(...PARTS.map(([field]) => of[field]));
  const adds = sum === plus(of.vault);
  return (
    <Card title="Books" note="added up by this page">
      <dl class="lines">
        {PARTS.map(([field, label, help]) => (
          <Line key={field} label={label} help={help}>
            <Num v={of[field]} d={6} name={`books-${field}`} />
          </Line>
        ))}
        <Line label="Vault: deposited and not paid out">
          <b>
            <Num v={of.vault} d={6} name="books-vault" />
          </b>
        </Line>
      </dl>
      <ul class="checks">
        <li class={adds ? "good" : "bad"} data-name="books-add-up">
          {adds ? "The parts add up to the vault, to the micro-USD." : `The parts add up to ${sum}.`}
        </li>
      </ul>
    </Card>
  );
}

function Proofs({ of }: { of: Inclusion }) {
  return (
    <ul class="checks" data-name="inclusion">
      {of.leaves.map((leaf) => {
        const wrong = fault(of.address, leaf, of.tree);
        const equity = (Number(leaf.equity) / 1e6).toLocaleString("en", { minimumFractionDigits: 2 });
        return (
          <li key={leaf.number} class={wrong ? "bad" : "good"}>
            {leaf.bucket}: {equity} USD, {leaf.path.length} steps to the root. {wrong ? `Not proven: ${wrong}.` : "Proven."}
          </li>
        );
      })}
      {of.leaves.length === 0 ? <li class="muted">Nothing to prove: the account has no equity.</li> : null}
    </ul>
  );
}

function Own({ who }: { who: string }) {
  const { answer, error } = useAsked<Inclusion>(`/accounts/${who}/inclusion`, EVERY_MS);
  const told = answer.value;
  return (
    <Card title="This account is in the total" note="proofs checked by this page: a SHA-256 sum tree">
      {error.value ? <p class="why bad">{error.value}</p> : null}
      {told ? (
        <>
          <dl class="lines">
            <Line label="Total of equities above 0, USD">
              <Num v={told.tree.total} d={6} />
            </Line>
            <Line label="Leaves">{told.tree.leaves.toLocaleString("en")}</Line>
          </dl>
          <p class="why">
            Root <Hash of={told.tree.root} name="root" />
          </p>
          <Proofs of={told} />
        </>
      ) : null}
    </Card>
  );
}

function Cash({ who }: { who: string }) {
  const { answer, error } = useAsked<Ledger>(`/accounts/${who}/ledger`, LEDGER_MS);
  const told = answer.value;
  const sum = told ? plus(told.head.opening_cash, ...told.lines.map((line) => line.amount)) : "";
  const adds = told !== null && sum === plus(told.tail.closing_cash);
  return (
    <Card title="The ledger of this account" note="added up by this page">
      {error.value ? <p class="why bad">{error.value}</p> : null}
      {told ? (
        <>
          <dl class="lines">
            <Line label="Opening cash">
              <Num v={told.head.opening_cash} d={6} />
            </Line>
            <Line label="Movements">{told.lines.length.toLocaleString("en")}</Line>
            <Line label="Closing cash">
              <Num v={told.tail.closing_cash} d={6} name="closing-cash" />
            </Line>
          </dl>
          <ul class="checks">
            <li class={adds ? "good" : "bad"} data-name="ledger-adds-up">
              {adds ? "Opening cash and every movement give the closing cash, to the micro-USD." : `They give ${sum}.`}
            </li>
          </ul>
        </>
      ) : null}
      <p class="why">
        <a class="linked" href={`/v1/accounts/${who}/ledger?format=csv`} download="ledger.csv">
          Download as CSV
        </a>
      </p>
    </Card>
  );
}

function Promises({ of }: { of: Checks }) {
  const broken = of.checks.filter((one) => !one.holds).length;
  return (
    <Card title="Promises of the engine" note={`checked over the state of command ${of.sequence.toLocaleString("en")}, ${stamp(of.time)}`} wide>
      <p class={broken ? "bad" : "good"} data-name="promises">
        {broken ? `${broken} of ${of.checks.length} do not hold.` : `All ${of.checks.length} hold.`}
      </p>
      <ul class="checks columns">
        {of.checks.map((one) => (
          <li key={one.name} class={one.holds ? "good" : "bad"}>
            <span>
              <span class="hash">{one.name}</span> <small>{one.promise}</small> {one.facts}
            </span>
          </li>
        ))}
      </ul>
    </Card>
  );
}

export function AuditPage() {
  const { answer, error } = useAsked<Checks>("/checks", EVERY_MS);
  const [told, who] = [answer.value, address.value];
  return (
    <div class="cards">
      <h1 class="hidden">Audit</h1>
      <Heads />
      {error.value ? <p class="why bad">{error.value}</p> : null}
      {told ? <BooksCard of={told.books} /> : null}
      {who ? (
        <Own who={who} />
      ) : (
        <Card title="This account is in the total">
          <p class="empty">Connect, or look at an address, to prove it.</p>
        </Card>
      )}
      {who ? <Cash who={who} /> : null}
      <Chain />
      {told ? <Promises of={told} /> : null}
    </div>
  );
}
