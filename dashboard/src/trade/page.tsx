import { BookPanel } from "./book";
import { Chart } from "./chart";
import { MarketBar } from "./market_bar";
import { Summary } from "./summary";
import { Tables } from "./tables";
import { Ticket } from "./ticket";

export function TradePage() {
  return (
    <div class="trade">
      <h1 class="hidden">Trade</h1>
      <MarketBar />
      <Chart />
      <BookPanel />
      <div class="desk">
        <Ticket />
        <Summary />
      </div>
      <Tables />
    </div>
  );
}
