// The impact table as it fills up: supply by listing type and activity, a block for each side. Cells stay where they are.

import { h } from "./dom.js";
import { count, signed } from "./format.js";

const SUPPLY = ["SCARCE", "LIMITED", "MODERATE", "HIGH", "ABUNDANT"];
const ACTIVITY = ["WEAK", "GROWING", "STRONG", "RESTRICTED"];
const BRIEF = { WEAK: "weak", GROWING: "grow.", STRONG: "strong", RESTRICTED: "restr." };
const COLUMNS = [...["EXPORT", "IMPORT"].flatMap((type) => ACTIVITY.map((activity) => [type, activity])), ["EXCHANGE", null]];
const STRONGEST = 15; // per cent a trade volume: the deepest shade

export function impact({ rows, excluded }) {
  const left = Object.entries(excluded).map(([reason, n]) => `${count(n)} (${reason})`).join(", ");
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Impact of a full trade volume" },
    h("table", { class: "impact", "aria-label": "Impact of a full trade volume, median in % of the quote" },
      h("thead", {},
        h("tr", {}, h("th", {}, ""), h("th", { colspan: "4", scope: "colgroup" }, "export"), h("th", { colspan: "4", scope: "colgroup" }, "import"), h("th", { scope: "col", title: "exchange", "aria-label": "exchange" }, "exch.")),
        h("tr", {}, h("th", {}, ""), COLUMNS.map(([, activity]) => h("th", { scope: "col", title: (activity ?? "no activity").toLowerCase(), "aria-label": (activity ?? "no activity").toLowerCase() }, BRIEF[activity] ?? "")))),
      [["BUY", "ask after buying"], ["SELL", "bid after selling"]].map(([side, name]) => block(name, rows.filter((row) => row.side === side)))),
    h("p", { class: "dim" }, left ? `Left out: ${left}.` : "\u00a0"));
}

function block(name, rows) {
  return h("tbody", {},
    h("tr", { class: "block" }, h("th", { colspan: "10", scope: "rowgroup" }, name)),
    SUPPLY.map((supply) => h("tr", {}, h("th", { scope: "row" }, supply.toLowerCase()),
      COLUMNS.map(([type, activity]) => cell(rows.find((row) => row.type === type && row.supply === supply && row.activity === activity))))));
}

function cell(row) {
  if (!row) return h("td", {}, "");
  const move = row.median_percent_per_volume;
  const depth = Math.min(1, Math.abs(move) / STRONGEST);
  return h("td", { class: "heat", style: { "--depth": `${Math.round(55 * depth)}%` }, title: `${count(row.transactions)} trades` },
    signed(move, Math.abs(move) < 9.95 ? 1 : 0));
}
