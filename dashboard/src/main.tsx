import { render } from "preact";
import "./style/base.css";
import "./style/trade.css";
import "./style/pages.css";
import { App } from "./app";
import { startAccount } from "./state/account";
import { startRoute } from "./state/route";
import { startTheme } from "./state/theme";
import { startVenue } from "./state/venue";
import { startDepth } from "./risk/page";
import { startBook } from "./trade/book";
import { startPreview } from "./trade/ticket_state";
import { startSession } from "./wire/session";
import { startSocket } from "./wire/socket";

startTheme();
startRoute();
startSocket();
startVenue();
startBook();
startDepth();
startAccount();
startPreview();
void startSession().catch(() => undefined); // offline: the header says so
const home = document.getElementById("app")!;
home.textContent = "";
render(<App />, home);
