// The price ladder of the listing that a ship trades: what the next trade volumes should cost, and what the last trades did.

import { h } from "./dom.js";
import { ago, count, short } from "./format.js";
import { empty } from "./parts.js";

/** `chosen` is a ship, or null for the one that traded last; `choose` is called with the other one. */
export function ladder(ladders, chosen, choose) {
  if (!ladders.length) return empty("The ladder appears with the first trade.");
  const shown = ladders.find(({ ship }) => ship === chosen) ?? ladders[0];
  return [
    h("div", { class: "tabs" },
      tab("Latest", !ladders.some(({ ship }) => ship === chosen), () => choose(null)),
      ladders.map(({ ship }) => ship).sort().map((ship) => tab(ship, ship === chosen, () => choose(ship)))),
    h("p", { class: "listing" }, h("strong", { class: "symbol" }, shown.good), h("span", { class: "dim" }, ` at `), h("span", { class: "symbol" }, short(shown.market)),
      h("span", { class: "dim" }, ` ${[shown.type, shown.supply, shown.activity].filter(Boolean).join(" · ").toLowerCase()} · volume ${shown.trade_volume}`)),
    rungs(shown),
    h("p", { class: "dim" }, `traded ${ago(shown.at)} · quote before → after`),
    h("ol", { class: "moves" }, shown.visit.slice(-6).reverse().map((t) => h("li", { "data-key": String(t.id) },
      h("span", { class: t.operation === "BUY" ? "buy" : "sell" }, `${t.operation === "BUY" ? "▲" : "▼"} ${t.units}`),
      h("span", { class: "number" }, `${count(t.before)} → ${count(t.after)}`)))),
  ];
}

function tab(name, on, onclick) {
  return h("button", { type: "button", "aria-pressed": String(on), onclick }, name);
}

function rungs({ asks, bids, ask, bid }) {
  const top = Math.max(ask, ...asks, 1);
  const row = (kind, label, price) => h("tr", { class: kind },
    h("th", { scope: "row" }, label), h("td", { class: "number" }, count(price)),
    h("td", { class: "depth", "aria-hidden": "true" }, h("i", { style: { width: `${(100 * price) / top}%` } })));
  return h("table", { class: "ladder", "aria-label": "Price ladder, expected by the price law" }, h("tbody", {},
    asks.map((price, i) => [price, i]).reverse().map(([price, i]) => row("far buy", `after ${i + 1} bought`, price)),
    row("near buy", "ask", ask),
    h("tr", { class: "spread" }, h("th", { scope: "row" }, "spread"), h("td", { class: "number" }, count(ask - bid)), h("td", {}, "")),
    row("near sell", "bid", bid),
    bids.map((price, i) => row("far sell", `after ${i + 1} sold`, price))));
}
