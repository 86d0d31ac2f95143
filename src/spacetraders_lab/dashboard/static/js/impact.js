// The impact table as it fills up: supply by activity, a block for each side. Cells stay where they are.

import { h } from "./dom.js";
import { count, signed } from "./format.js";

const SUPPLY = ["SCARCE", "LIMITED", "MODERATE", "HIGH", "ABUNDANT"];
const ACTIVITY = ["RESTRICTED", "WEAK", "GROWING", "STRONG", null];
const STRONGEST = 15; // per cent a trade volume: the deepest shade

export function impact({ rows, excluded }) {
  const left = Object.entries(excluded).map(([reason, n]) => `${count(n)} (${reason})`).join(", ");
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Impact" },
    h("table", { class: "impact" },
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, ""), ACTIVITY.map((a) => h("th", { scope: "col", title: a ?? "exchange listings have no activity" }, a ? a.toLowerCase() : "exchange")))),
      [["BUY", "ask after buying"], ["SELL", "bid after selling"]].map(([side, name]) => block(side, name, rows.filter((row) => row.side === side)))),
    h("p", { class: "dim" }, left ? `Left out: ${left}.` : "\u00a0"));
}

function block(side, name, rows) {
  return h("tbody", {},
    h("tr", { class: "block" }, h("th", { colspan: "6", scope: "rowgroup" }, name)),
    SUPPLY.map((supply) => h("tr", {}, h("th", { scope: "row" }, supply.toLowerCase()),
      ACTIVITY.map((activity) => cell(rows.find((row) => row.supply === supply && row.activity === activity))))));
}

function cell(row) {
  if (!row) return h("td", { class: "none" }, "·");
  const depth = Math.min(1, Math.abs(row.median_percent_per_volume) / STRONGEST);
  return h("td", { class: "heat", style: { "--depth": `${Math.round(55 * depth)}%` }, title: `${count(row.transactions)} trades` },
    signed(row.median_percent_per_volume), h("small", {}, count(row.transactions)));
}
