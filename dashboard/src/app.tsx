import { Connect } from "./shell/connect";
import { Banner, Header, Messages } from "./shell/header";
import { type Page, route } from "./state/route";
import { TradePage } from "./trade/page";

const PAGES: (Page & { show: () => preact.JSX.Element })[] = [{ path: "trade", name: "Trade", show: TradePage }];

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
