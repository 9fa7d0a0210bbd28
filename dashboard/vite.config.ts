import { readFileSync } from "node:fs";
import { defineConfig, type Plugin } from "vite";

/** Whose code is in the bundle. */
const BUNDLED = [
  "@msgpack/msgpack",
  "@noble/curves",
  "@noble/hashes",
  "@preact/signals",
  "@preact/signals-core",
  "fancy-canvas",
  "lightweight-charts",
  "preact",
  "uplot",
];
const ATTRIBUTION = "TradingView Lightweight Charts(TM). Copyright (c) 2025 TradingView, Inc. Its logo on the chart leads to them.";

function licence(name: string): string {
  const { version, license } = JSON.parse(readFileSync(`node_modules/${name}/package.json`, "utf-8"));
  let text = `${license}\n`;
  try {
    text = readFileSync(`node_modules/${name}/LICENSE`, "utf-8");
  } catch {
    // the package ships the name of its licence alone
  }
  return `${name} ${version}\n${"=".repeat(72)}\n${text.trim()}\n`;
}

function licences(): Plugin {
  return {
    name: "licences",
    generateBundle() {
      const source = [ATTRIBUTION, ...BUNDLED.map(licence)].join("\n\n");
      this.emitFile({ type: "asset", fileName: "licences.txt", source });
    },
  };
}

const VENUE = "http://127.0.0.1:3001";

// Names without hashes: the venue serves each file with an entity tag, and a build gives the same bytes anywhere.
export default defineConfig({
  base: "/",
  plugins: [licences()],
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: "../src/seawall/venue/static",
    emptyOutDir: true,
    target: "es2022",
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    rollupOptions: {
      output: {
        entryFileNames: "assets/[name].js",
        chunkFileNames: "assets/[name].js",
        assetFileNames: "assets/[name][extname]",
      },
    },
  },
  server: { proxy: { "/info": VENUE, "/exchange": VENUE, "/v1": VENUE, "/ws": { target: VENUE, ws: true } } },
});
