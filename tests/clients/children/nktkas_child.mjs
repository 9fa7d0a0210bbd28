// Runs @nktkas/hyperliquid, unchanged, under node: makes its clients and calls what client_child.py tells it.
// Whatever comes back is also held to the response schemas that an earlier version of the same package carries.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const [, , folder, url] = process.argv;
const require = createRequire(`${folder}/package.json`);
const load = (name) => import(pathToFileURL(require.resolve(name)).href);

globalThis.WebSocket ??= (await load("ws")).default;
const sdk = await load("@nktkas/hyperliquid");
const { privateKeyToAccount } = await load("viem/accounts");
const valibot = await load("valibot");
const schemas = {
  info: require("nktkas-schemas/api/info"),
  exchange: require("nktkas-schemas/api/exchange"),
  subscription: require("nktkas-schemas/api/subscription"),
};

const objects = {};
const kinds = {};
const heard = [];
let news = () => {};

/** What a schema has against a value; "no schema" where the package has none. */
function complaints(kind, method, ending, value) {
  const schema = schemas[kind][method[0].toUpperCase() + method.slice(1) + ending];
  if (!schema) return ["no schema"];
  return (valibot.safeParse(schema, value).issues ?? []).map((issue) => deepest(issue));
}

/** An issue in words, of a union the one that went furthest into the value. */
function deepest(issue, path = "") {
  const here = [path, valibot.getDotPath(issue)].filter(Boolean).join(".");
  const inner = (issue.issues ?? []).map((each) => deepest(each, here));
  return inner.sort((a, b) => b.length - a.length)[0] ?? `${here}: ${issue.message}`;
}

const make = {
  transport({ name, kind }) {
    const socket = `${url.replace("http", "ws")}/ws`;
    objects[name] = kind === "http" ? new sdk.HttpTransport({ apiUrl: url }) : new sdk.WebSocketTransport({ url: socket });
  },
  info({ name, transport }) {
    objects[name] = new sdk.InfoClient({ transport: objects[transport] });
    kinds[name] = "info";
  },
  exchange({ name, transport, key, ...more }) {
    const wallet = privateKeyToAccount(key);
    objects[name] = new sdk.ExchangeClient({ transport: objects[transport], wallet, ...more });
    kinds[name] = "exchange";
    return wallet.address;
  },
  subscription({ name, transport }) {
    objects[name] = new sdk.SubscriptionClient({ transport: objects[transport] });
    kinds[name] = "subscription";
  },
  methods({ name }) {
    return Object.getOwnPropertyNames(Object.getPrototypeOf(objects[name])).filter((each) => each !== "constructor");
  },
  async subscribe({ name, method, values }) {
    const hear = (data) => {
      heard.push({ name, method, data, issues: complaints("subscription", method, "Event", data) });
      news();
    };
    objects[`${name}.${method}`] = await objects[name][method](...values, hear);
  },
  async unsubscribe({ name, method }) {
    await objects[`${name}.${method}`].unsubscribe();
  },
  async heard({ name, method, text, seconds }) {
    const end = Date.now() + 1000 * seconds;
    for (;;) {
      const place = heard.findIndex((each) => each.name === name && each.method === method && JSON.stringify(each.data).includes(text));
      if (place >= 0) return heard.splice(place, 1)[0];
      if (Date.now() > end) throw new Error(`nothing of ${method} with ${text} in ${seconds} s`);
      await new Promise((resolve) => {
        news = resolve;
        setTimeout(resolve, 100);
      });
    }
  },
  async close({ name }) {
    await objects[name].close();
  },
};

async function answer({ target, method, values }) {
  if (target === "make") return { told: (await make[method](...values)) ?? null };
  const told = (await objects[target][method](...values)) ?? null;
  return { told, issues: complaints(kinds[target], method, "Response", told) };
}

for await (const line of createInterface({ input: process.stdin })) {
  let reply;
  try {
    reply = await answer(JSON.parse(line));
  } catch (error) {
    reply = { kind: error.constructor.name, words: String(error.message) };
  }
  process.stdout.write(`${JSON.stringify(reply)}\n`);
}
process.exit(0);
