import { AccountPage } from "./account/page";
import { AuditPage } from "./audit/page";
import { LabPage } from "./lab/page";
import { RiskPage } from "./risk/page";
import { Connect } from "./shell/connect";
import { Banner, Header, Messages } from "./shell/header";
import { type Page, route } from "./state/route";
import { TradePage } from "./trade/page";

const PAGES: (Page & { show: () => preact.JSX.Element })[] = [
  { path: "trade", name: "Trade", show: TradePage },
  { path: "account", name: "Account", show: AccountPage },
  { path: "risk", name: "Risk", show: RiskPage },
  { path: "lab", name: "Lab", show: LabPage },
  { path: "audit", name: "Audit", show: AuditPage },
];

export function App() {
  const page = PAGES.find((one) => one.path === route.value) ?? PAGES[0]!;
  const Shown = page.show;
  return (
    <>
      <Header pages={PAGES} />
      <Banner />
      <main>
        <Shown />
      </main>
      <Connect />
      <Messages />
    </>
  );
}
