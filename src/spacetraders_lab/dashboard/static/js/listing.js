// One listing: its quotes over time with everybody's trades, and what trades did beside what the price law expects.

import { Chart, look, paint } from "./chart.js";
import { h, show } from "./dom.js";
import { ago, clock, count, moment, short, signed } from "./format.js";
import { supply } from "./markets.js";
import { empty, panel, table } from "./parts.js";
import { follow } from "./stream.js";

export function listingView(main, session, universe, market, good) {
  let [view, history, law] = [null, null, null];
  document.title = `${good} at ${short(market)} · Liquidity Lab`;
  const draw = () => {
    if (!view) return;
    show(main, page(view));
    const [first, second] = [main.querySelector("#history"), main.querySelector("#law")];
    if (first && !history) history = new Chart(first, 260, () => historyOptions(() => view));
    if (second && !law) law = new Chart(second, 260, () => lawOptions(view.visits));
    history?.set([view.quotes.t, view.quotes.ask, view.quotes.bid]);
    law?.set(lawData(view.visits));
  };
  const stop = follow(`listings/${universe}/${encodeURIComponent(market)}/${encodeURIComponent(good)}`, (fresh) => {
    view = fresh;
    draw();
  }, (why) => show(main, empty(why)));
  return () => {
    history?.close();
    law?.close();
    stop();
  };
}

function page(view) {
  const l = view.listing;
  const back = h("a", { href: `/markets/${view.universe_id}/${view.market.split("-").slice(0, 2).join("-")}` }, view.market.split("-").slice(0, 2).join("-"));
  if (!l) return empty(`Nobody has seen ${view.good} at ${view.market} yet.`);
  return [
    h("header", { class: "run" }, h("div", {},
      h("h1", {}, h("span", { class: "symbol" }, view.good), h("span", { class: "dim" }, "at"), h("span", { class: "symbol" }, view.market)),
      h("p", { class: "dim" }, back, ` · ${l.type.toLowerCase()} · ${(l.activity ?? "no activity").toLowerCase()} · seen ${ago(l.seen)}`))),
    h("dl", { class: "figures five" },
      figure("Ask", count(l.ask), "what you pay"), figure("Bid", count(l.bid), "what you receive"),
      figure("Spread", `${((100 * (l.ask - l.bid)) / l.ask).toFixed(1)}\u2009%`, `${count(l.ask - l.bid)} credits`),
      figure("Trade volume", count(l.trade_volume), "units per transaction"),
      figure("Supply", supply(l.supply), `${count(view.trades.length)} own trades known`)),
    h("div", { class: "columns" },
      h("div", { class: "grow stack" },
        panel("Quotes", { aside: key() }, h("div", { id: "history", class: "plot tall", "data-island": true, role: "img", "aria-label": quotesInWords(view.quotes) })),
        panel("What trades did, and what the price law expects", { aside: h("p", { class: "dim" }, "points: seen, lines: expected") },
          view.visits.length ? h("div", { id: "law", class: "plot tall", "data-island": true, role: "img", "aria-label": lawInWords(view.visits) }) : empty("No ship of yours has traded here yet: the law is compared with the first trades."))),
      panel("Own trades", { class: "side wider", aside: h("p", { class: "dim" }, view.trades.length ? "latest first" : "") }, trades(view.trades))),
  ];
}

function figure(name, value, note) {
  return h("div", {}, h("dt", {}, name), h("dd", {}, value), h("dd", { class: "note" }, note));
}

function key() {
  return h("ul", { class: "legend" }, h("li", {}, h("i", { class: "stroke ask" }), "ask"), h("li", {}, h("i", { class: "stroke bid" }), "bid"),
    h("li", {}, h("span", { class: "buy" }, "▲"), "own purchase"), h("li", {}, "▼ own sale"), h("li", {}, h("span", { class: "dim" }, "│"), "others traded"));
}

const COLUMNS = [["Time", "number"], ["Ship", ""], ["Side", ""], ["Units", "number"], ["Price", "number"], ["After", "number"], ["Move", "number"]];

function trades(all) {
  if (!all.length) return empty("None yet.");
  return table(COLUMNS, all.slice(-40).reverse().map((t) => h("tr", { "data-key": String(t.id) },
    h("td", { class: "number", title: moment(t.at) }, clock(t.at)),
    h("td", { class: "symbol" }, t.ship),
    h("td", { class: t.operation === "BUY" ? "buy" : "" }, t.operation === "BUY" ? "▲ buy" : "▼ sell"),
    h("td", { class: "number" }, count(t.units)),
    h("td", { class: "number" }, count(t.price)),
    h("td", { class: "number" }, count(t.after)),
    h("td", { class: "number" }, t.after === null ? "–" : `${signed((100 * (t.after - t.before)) / t.before)}\u2009%`))),
  { class: "lines", "aria-label": "Own trades" });
}

/** What the chart of quotes shows. */
function quotesInWords({ t, ask, bid }) {
  const ranged = (name, prices) => `${name} ${count(Math.min(...prices))} to ${count(Math.max(...prices))}, at the end ${count(prices.at(-1))}`;
  return t.length ? `Quotes from ${moment(t[0])} to ${moment(t.at(-1))}: ${ranged("ask", ask)}; ${ranged("bid", bid)}` : "Quotes: none yet";
}

/** What the chart of the law shows of the last visit; the others are older. */
function lawInWords(visits) {
  const { operation, points, curve } = visits.at(-1);
  const [[x, seen], [, expected]] = [points.at(-1), curve.at(-1)];
  return `Last of ${count(visits.length)} visits: after ${operation === "BUY" ? "buying" : "selling"} ${x.toFixed(2)} trade volumes the quote was ${count(seen)}, expected ${count(expected)}`;
}

function historyOptions(current) {
  const stepped = uPlot.paths.stepped({ align: 1 });
  const line = (stroke) => ({ stroke, width: 1.5, points: { show: false }, paths: stepped });
  return look({
    series: [{}, line(paint("accent")), line(paint("text"))],
    axes: [{}, { size: 52 }],
    hooks: { draw: [(plot) => drawTrades(plot, current())] },
  });
}

/** Own trades as triangles at their price, others' as ticks along the bottom. */
function drawTrades(plot, { trades: own, others }) {
  const { ctx, bbox } = plot;
  const scale = devicePixelRatio || 1;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  for (const t of own) {
    const [x, y, buying] = [plot.valToPos(t.at, "x", true), plot.valToPos(t.price, "y", true), t.operation === "BUY"];
    const size = 4 * scale * (buying ? 1 : -1);
    ctx.fillStyle = paint(buying ? "accent" : "text");
    ctx.beginPath();
    ctx.moveTo(x, y - size);
    ctx.lineTo(x + 4 * scale, y + size * 0.8);
    ctx.lineTo(x - 4 * scale, y + size * 0.8);
    ctx.fill();
  }
  ctx.fillStyle = paint("dim");
  for (const [at] of others) ctx.fillRect(plot.valToPos(at, "x", true), bbox.top + bbox.height - 9 * scale, scale, 9 * scale);
  ctx.restore();
}

/** One axis of trade volumes for all visits, with a gap where a visit says nothing. */
function lawData(visits) {
  const places = [...new Set(visits.flatMap(({ points, curve }) => [...points, ...curve].map(([x]) => x)))].sort((a, b) => a - b);
  const along = (pairs) => {
    const at = new Map(pairs);
    return places.map((x) => at.get(x) ?? null);
  };
  return [places, ...visits.flatMap(({ points, curve }) => [along(curve), along(points)])];
}

function lawOptions(visits) {
  const series = visits.flatMap(({ operation }, i) => {
    const stroke = paint(operation === "BUY" ? "accent" : "text");
    const alpha = 0.35 + (0.65 * (i + 1)) / visits.length; // the latest visit stands out
    return [
      { stroke, alpha, width: 1, spanGaps: true, points: { show: false } },
      { stroke, fill: stroke, alpha, width: 0, paths: () => null, points: { show: true, size: 6, fill: stroke } },
    ];
  });
  return look({
    series: [{}, ...series],
    scales: { x: { time: false } },
    axes: [{ size: 34, values: (_, marks) => marks.map(String), label: "trade volumes traded in the visit", labelSize: 18, labelFont: "11px system-ui" }, { size: 52 }],
  });
}
