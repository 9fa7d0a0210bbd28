// Requests of the venue's HTTP: /info and /exchange in Hyperliquid's shapes, /v1 in the venue's own.

/** What the venue said instead of an answer. `code` is the stable word of /v1, or "http" for other routes. */
export class Refusal extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

async function ask(path: string, init?: RequestInit): Promise<Response> {
  try {
    return await fetch(path, init);
  } catch {
    throw new Refusal("offline", "The venue does not answer.");
  }
}

function posted(body: unknown): RequestInit {
  return { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
}

/** An answer of /v1. Throws Refusal. */
export async function v1<T>(path: string, body?: unknown): Promise<T> {
  const answer = await ask(`/v1${path}`, body === undefined ? undefined : posted(body));
  const text = await answer.text();
  if (answer.ok) return JSON.parse(text) as T;
  let told: { code?: string; msg?: string } = {};
  try {
    told = JSON.parse(text) as typeof told;
  } catch {
    // a proxy's page: the status says enough
  }
  throw new Refusal(told.code ?? "http", told.msg ?? `HTTP ${answer.status}`);
}

async function wire<T>(path: string, body: unknown): Promise<T> {
  const answer = await ask(path, posted(body));
  const text = await answer.text();
  if (!answer.ok) throw new Refusal("http", text || `HTTP ${answer.status}`);
  return JSON.parse(text) as T;
}

/** An answer of POST /info. Throws Refusal. */
export const info = <T>(body: unknown): Promise<T> => wire<T>("/info", body);

/** The answer to a signed action. Throws Refusal. */
export const exchange = <T>(body: unknown): Promise<T> => wire<T>("/exchange", body);
