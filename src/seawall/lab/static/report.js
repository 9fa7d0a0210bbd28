"use strict";
(() => {
  const doc = JSON.parse(document.getElementById("replay").textContent);
  const seconds = doc.axis.times_ms.map((ms) => ms / 1000);
  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
  const state = { market: 0, rule: doc.sets.length - 1, margin: 0 };
  const sync = uPlot.sync("replay");
  const live = [];

  const sum = (values) => { let total = 0; return values.map((value) => (total += value)); };
  const percent = (ppm) => ppm.map((value) => value / 1e4);

  const short = (value) => {
    const size = Math.abs(value);
    for (const [unit, word] of [[1e12, "tn"], [1e9, "bn"], [1e6, "m"], [1e3, "k"]]) {
      if (size >= unit) return trim(value / unit) + word;
    }
    return trim(value);
  };
  const trim = (value) => Number(value.toPrecision(4)).toLocaleString("en-US", { maximumFractionDigits: 6 });
  const money = (value) => (value == null ? "–" : (value < 0 ? "-$" : "$") + short(Math.abs(value)));
  const count = (value) => (value == null ? "–" : value.toLocaleString("en-US"));
  const price = (value) => (value == null ? "–" : "$" + Number(value.toPrecision(7)).toLocaleString("en-US", { maximumSignificantDigits: 7 }));
  const share = (value) => (value == null ? "–" : Number(value.toFixed(3)) + " %");

  const line = (label, values, stroke, extra = {}) => ({ label, values, stroke, width: 1.6, ...extra });
  const bars = (label, values, stroke) => ({ label, values, stroke, fill: stroke, width: 0, paths: uPlot.paths.bars({ size: [1, 24], gap: 0 }) });
  const venue = (one) => (state.margin === 0 ? one.series : one.series_at_equal_margin);
  const perRule = (pick) => doc.sets.map((one, place) => line(one.title, pick(venue(one)), color("rule-" + place), { width: place === state.rule ? 2.4 : 1.4 }));

  const chosen = () => doc.sets[state.rule];
  const chosenMarket = () => chosen().markets[state.market];
  const flows = (own) => [bars("Longs closed", own.longs_closed.map((v) => -v), color("long")), bars("Shorts closed", own.shorts_closed, color("short"))];
  const lines = (format, pick) => ({ height: 220, format, series: perRule(pick) });

  const plots = {
    price: () => {
      const own = chosenMarket().series, market = doc.world[state.market];
      const series = [
        line("Book high", own.book_high, "transparent", { width: 0 }),
        line("Book low", own.book_low, "transparent", { width: 0 }),
        line("Book", own.book, color("perp"), { width: 1.4 }),
      ];
      if (market.has_index) series.push(line("Index", market.series.index, color("index"), { width: 1.4, dash: [5, 4] }));
      series.push(line("Mark", own.mark, color("mark"), { width: 2 }));
      return { height: 360, series, format: price, log: true, bands: [{ series: [1, 2], fill: color("perp-band") }] };
    },
    marketFlow: () => ({ height: 170, format: money, series: flows(chosenMarket().series) }),
    impact: () => ({ height: 170, format: share, series: [line("Own impact", percent(chosenMarket().series.impact_ppm), color("perp"), { fill: color("perp-band") })] }),
    depth: () => ({ height: 170, format: money, log: true, series: [line("Depth within 1 %", doc.world[state.market].series.depth_usd.map((v) => Math.max(v, 1)), color("depth"))] }),
    count: () => ({ height: 200, format: count, series: [bars("Buckets, first time", venue(chosen()).buckets, color("mark"))] }),
    flow: () => ({ height: 200, format: money, series: flows(venue(chosen())) }),
    total: () => lines(money, (own) => sum(own.longs_closed.map((v, k) => v + own.shorts_closed[k]))),
    adl: () => lines(money, (own) => sum(own.adl)),
    margin: () => lines(money, (own) => own.margin_required),
    interest: () => lines(money, (own) => own.open_interest),
    fund: () => lines(money, (own) => own.insurance),
    paid: () => lines(money, (own) => own.insurance_paid),
    vault: () => lines(money, (own) => own.backstop),
    debt: () => lines(money, (own) => own.bad_debt),
    waiting: () => lines(count, (own) => own.waiting),
  };

  const draw = (host, spec) => {
    const axis = { stroke: color("soft"), grid: { stroke: color("grid"), width: 1 }, ticks: { stroke: color("grid"), width: 1 }, font: "12px system-ui, sans-serif" };
    const everything = spec.series.flatMap((item) => item.values);
    const low = Math.min(...spec.series.map((item) => least(item.values)));
    const high = Math.max(...spec.series.map((item) => most(item.values)));
    const wide = spec.log && low > 0 && high / low > 4;
    const options = {
      width: Math.max(240, host.clientWidth), height: spec.height, tzDate: (ts) => uPlot.tzDate(new Date(ts * 1e3), "Etc/UTC"),
      cursor: { sync: { key: sync.key, setSeries: false }, focus: { prox: 24 } }, bands: spec.bands || [],
      scales: { x: { time: true }, y: wide ? { distr: 3, range: near } : (spec.log ? {} : { range: (u, min, max) => padded(min, max) }) },
      axes: [{ ...axis, values: clock }, { ...axis, size: 74, values: (u, ticks) => labels(ticks, wide).map((tick) => (tick == null ? "" : spec.format(tick))) }],
      series: [{ label: "UTC", value: "{YYYY}-{MM}-{DD} {HH}:{mm}:{ss}" },
        ...spec.series.map((item) => ({ label: item.label, stroke: item.stroke, width: item.width, fill: item.fill, dash: item.dash,
          paths: item.paths, points: { show: false }, value: (u, value) => spec.format(value) }))],
    };
    host.textContent = "";
    host.dataset.points = String(everything.length);
    const plot = new uPlot(options, [seconds, ...spec.series.map((item) => item.values)], host);
    live.push({ plot, host, height: spec.height });
  };
  const clock = (u, ticks, place, space, step) => ticks.map((tick, k) => {
    const iso = new Date(tick * 1e3).toISOString(), time = iso.slice(11, step < 60 ? 19 : 16);
    const day = new Date(tick * 1e3).toLocaleDateString("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });
    const isNew = k === 0 || iso.slice(0, 10) !== new Date(ticks[k - 1] * 1e3).toISOString().slice(0, 10);
    return step >= 86400 ? day : (isNew ? time + "\n" + day : time);
  });
  const labels = (ticks, isLog) => {
    if (!isLog) return ticks;
    const leading = (tick) => (tick == null ? 0 : Number(tick.toExponential(6).split("e")[0]));
    const sets = [[1], [1, 3], [1, 2, 5], [1, 2, 3, 5, 7], [1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9]];
    const shown = (digits) => ticks.map((tick) => (digits.includes(leading(tick)) ? tick : null));
    const enough = sets.find((digits) => shown(digits).filter((tick) => tick != null).length >= 3);
    return shown(enough || sets[sets.length - 1]);
  };
  const near = (u, min, max) => {
    const unit = 10 ** Math.floor(Math.log10(min));  // log axes count up from their lower end: begin at a round number
    return [Math.floor((min / unit) * 1.000001) * unit, max * (max / min) ** 0.05];
  };
  const least = (values) => values.reduce((a, b) => Math.min(a, b), Infinity);
  const most = (values) => values.reduce((a, b) => Math.max(a, b), -Infinity);
  const padded = (min, max) => {
    if (min === max) return min === 0 ? [0, 1] : [Math.min(0, min), Math.max(0, max * 1.1)];
    const room = (max - min) * 0.06;
    return [min < 0 ? min - room : Math.max(0, min - room), max > 0 ? max + room : 0];
  };

  const redraw = () => {
    for (const { plot } of live.splice(0)) plot.destroy();
    for (const host of document.querySelectorAll("[data-plot]")) draw(host, plots[host.dataset.plot]());
    for (const node of document.querySelectorAll("[data-says]")) {
      node.textContent = node.dataset.says === "market" ? doc.world[state.market].symbol + ", " + chosen().title : chosen().title;
    }
  };

  const bind = (id, key) => {
    const select = document.getElementById(id);
    select.selectedIndex = state[key];
    select.addEventListener("change", () => { state[key] = select.selectedIndex; redraw(); });
  };
  state.market = Number(document.getElementById("market").dataset.first);
  bind("market", "market");
  bind("rule", "rule");
  bind("margin", "margin");
  const copy = document.getElementById("copy");
  copy.addEventListener("click", () => {
    const range = document.createRange();
    range.selectNodeContents(document.getElementById("command"));
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    if (navigator.clipboard) navigator.clipboard.writeText(doc.command).then(() => { copy.textContent = "Copied"; }, () => {});
  });
  redraw();
  let waiting = 0;
  new ResizeObserver(() => {
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(() => {
      for (const { plot, host, height } of live) {
        if (Math.abs(plot.width - host.clientWidth) > 1) plot.setSize({ width: Math.max(240, host.clientWidth), height });
      }
    });
  }).observe(document.querySelector("main"));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  document.documentElement.dataset.drawn = String(live.length);
})();
