// The top of every page: pages, the link's state, the theme, who is connected.
import { stamp } from "../parts/decimal";
import { type Page, route } from "../state/route";
import { messages } from "../state/told";
import { switchTheme, theme } from "../state/theme";
import { venue } from "../state/venue";
import { address, session } from "../wire/session";
import { link } from "../wire/socket";
import { drip, showConnect } from "./connect";

const STATES = { connecting: "Connecting", live: "Live", broken: "Reconnecting" } as const;
const short = (text: string): string => `${text.slice(0, 6)}…${text.slice(-4)}`;

export function Header({ pages }: { pages: Page[] }) {
  const who = address.value;
  return (
    <header class="top">
      <a class="brand" href="#/trade">
        <img src="/icon.svg" alt="" width="20" height="20" /> Seawall
      </a>
      <nav aria-label="Pages">
        {pages.map((page) => (
          <a key={page.path} href={`#/${page.path}`} aria-current={route.value === page.path ? "page" : undefined}>
            {page.name}
          </a>
        ))}
      </nav>
      <span class={`link ${link.value}`} role="status" title={venue.value ? `As of ${stamp(venue.value.time)}` : ""}>
        {STATES[link.value]}
      </span>
      <button type="button" class="quiet" aria-label={`Switch to ${theme.value === "dark" ? "light" : "dark"} theme`} onClick={switchTheme}>
        {theme.value === "dark" ? "☀" : "☾"}
      </button>
      {session.value && venue.value?.has_faucet ? (
        <button type="button" class="quiet" onClick={() => void drip()}>
          Faucet
        </button>
      ) : null}
      <button type="button" class={who ? "quiet who" : "main small"} onClick={() => (showConnect.value = true)} title={who ?? ""}>
        {who ? `${session.value ? session.value.name : "Looking at"} ${short(who)}` : "Connect"}
      </button>
    </header>
  );
}

export function Messages() {
  return (
    <div class="messages" role="log" aria-live="polite" aria-label="Messages">
      {messages.value.map((one) => (
        <p key={one.id} class={one.tone}>
          {one.text}
        </p>
      ))}
    </div>
  );
}

export function Banner() {
  if (link.value === "broken") {
    return (
      <p class="banner" role="alert">
        The connection to the venue broke. Figures are as they were; it is being sought again.
      </p>
    );
  }
  if (venue.value && !venue.value.is_writing) return <p class="banner">The venue takes no orders: its disk has failed or it stops.</p>;
  if (venue.value && venue.value.status !== "active") return <p class="banner">The venue is {venue.value.status.replace("_", " ")}.</p>;
  return null;
}
