// All runs, the newest first.

import { h, show } from "./dom.js";
import { ago, count, credits, moment } from "./format.js";
import { empty, pairsBar, panel, pill, table, unseenHeading } from "./parts.js";
import { follow } from "./stream.js";

const COLUMNS = [["Run", ""], ["State", ""], ["System", ""], ["Agent", ""], ["Pairs", ""], ["Done", "number"], ["Failed", "number"],
  ["Trades", "number"], ["Net spent", "number"], ["Begun", "number"], ["Last trade", "number"]];

export function runsView(main) {
  let runs = null;
  document.title = "Runs · Liquidity Lab";
  const draw = () => runs && show(main, runs.length ? listing(runs) : nothing());
  const stop = follow("runs", (view) => {
    runs = view;
    draw();
  }, (why) => show(main, empty(why)));
  const ticking = setInterval(draw, 1000);
  return () => {
    clearInterval(ticking);
    stop();
  };
}

function nothing() {
  return empty("No runs yet in this database. Start one, and it appears here by itself.",
    "spacetraders market scout --system X1-YZ12 --ships SHIP-1,SHIP-2\nspacetraders experiment liquidity --system X1-YZ12 --ships SHIP-1,SHIP-2");
}

function listing(runs) {
  const rows = runs.map((run) => h("tr", { "data-key": run.run_id },
    h("td", {}, h("a", { class: "symbol", href: `/runs/${encodeURIComponent(run.run_id)}` }, run.run_id.slice(0, 8))),
    h("td", {}, pill(run.status)),
    h("td", { class: "symbol" }, run.system),
    h("td", { class: "symbol" }, run.agent),
    h("td", { class: "wide" }, pairsBar(run)),
    h("td", { class: "number" }, `${count(run.pairs.COMPLETED)} / ${count(Object.values(run.pairs).reduce((a, b) => a + b, 0))}`),
    h("td", { class: `number ${run.pairs.FAILED ? "bad" : ""}` }, count(run.pairs.FAILED)),
    h("td", { class: "number" }, count(run.trades)),
    h("td", { class: "number" }, credits(run.outlay)),
    h("td", { class: "number" }, moment(run.created)),
    h("td", { class: "number" }, ago(run.last_trade))));
  return [unseenHeading("Runs"), panel("Runs", { aside: h("p", { class: "dim" }, `${count(runs.length)} in this database`) }, table(COLUMNS, rows, { class: "lines runs", "aria-label": "Runs" }))];
}
