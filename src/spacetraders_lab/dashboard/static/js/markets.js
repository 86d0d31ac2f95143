// The listings of a system as they were last seen, market by market or good by good.

import { h, show } from "./dom.js";
import { ago, count, now, short } from "./format.js";
import { empty, panel, table, unseenHeading } from "./parts.js";
import { follow } from "./stream.js";

const FRESH = 60; // seconds after which a quote is no longer news

export function marketsView(main, session, universe = null, system = null) {
  let [systems, view, word, stopSystem] = [null, null, "", () => {}];
  let order = ["market", 1];
  document.title = "Markets · Liquidity Lab";

  const look = (chosen) => {
    stopSystem();
    view = null;
    stopSystem = follow(`markets/${chosen.universe_id}/${encodeURIComponent(chosen.system)}`, (fresh) => {
      view = fresh;
      draw();
    }, (why) => show(main, empty(why)));
  };
  const draw = () => {
    if (systems && !systems.length) show(main, nothing());
    else if (view) show(main, page());
  };
  const page = () => [
    unseenHeading("Markets"),
    h("div", { class: "bar-of-controls" },
      h("label", {}, "System ", h("select", { onchange: (event) => go(event.target.value) }, systems.map((s) => {
        const path = `/markets/${s.universe_id}/${encodeURIComponent(s.system)}`;
        const here = s.universe_id === view.universe_id && s.system === view.system;
        return h("option", { value: path, selected: here }, `${s.system} · universe of ${s.universe}${server(s)}`);
      }))),
      h("label", {}, "Find ", h("input", { type: "search", value: word, placeholder: "good or market", oninput: (event) => {
        word = event.target.value.trim().toUpperCase();
        draw();
      } }))),
    panel("Listings", { aside: h("p", { class: "dim" }, `${count(view.listings.length)} known`) }, listings()),
  ];
  const server = (s) => (systems.some((other) => other.server !== s.server) ? ` · ${s.server}` : "");
  const listings = () => {
    const found = view.listings.filter((l) => l.good.includes(word) || l.market.includes(word)).sort(by(...order));
    if (!found.length) return empty("No listing fits.");
    return table(COLUMNS.map(([name, kind, key]) => [heading(name, key), kind, order[0] === key ? (order[1] > 0 ? "ascending" : "descending") : null]), found.map((l) => row(view, l)), { class: "lines", "aria-label": "Listings" });
  };
  const heading = (name, key) => h("button", { type: "button", class: "sort", onclick: () => {
    order = [key, order[0] === key ? -order[1] : 1];
    draw();
  } }, name, order[0] === key ? (order[1] > 0 ? " ↑" : " ↓") : "");

  const stop = follow("markets", (fresh) => {
    const first = !systems;
    systems = fresh;
    if (first || !view) {
      const wanted = fresh.find((s) => String(s.universe_id) === universe && s.system === system) ?? fresh[0];
      if (wanted) look(wanted);
    }
    draw();
  }, (why) => show(main, empty(why)));
  const ticking = setInterval(draw, 1000);
  return () => {
    clearInterval(ticking);
    stopSystem();
    stop();
  };
}

const COLUMNS = [["Market", "", "market"], ["Good", "", "good"], ["Ask", "number", "ask"], ["Bid", "number", "bid"], ["Spread", "number", "spread"],
  ["Volume", "number", "trade_volume"], ["Supply", "indent", "supply"], ["Activity", "", "activity"], ["Type", "", "type"], ["Seen", "number", "seen"]];
const RANK = { SCARCE: 0, LIMITED: 1, MODERATE: 2, HIGH: 3, ABUNDANT: 4 };

function go(path) {
  history.pushState(null, "", path);
  dispatchEvent(new PopStateEvent("popstate"));
}

function by(key, direction) {
  const value = (l) => (key === "supply" ? RANK[l.supply] : key === "spread" ? (l.ask - l.bid) / l.ask : key === "seen" ? -l.seen : l[key] ?? "");
  const text = (l) => `${l.market} ${l.good}`;
  return (a, b) => {
    const [x, y] = [value(a), value(b)];
    return (x < y ? -direction : x > y ? direction : 0) || text(a).localeCompare(text(b));
  };
}

function row({ universe_id: universe }, l) {
  const path = `/listings/${universe}/${encodeURIComponent(l.market)}/${encodeURIComponent(l.good)}`;
  return h("tr", { "data-key": `${l.market} ${l.good}` },
    h("td", { class: "symbol", title: l.market }, short(l.market)),
    h("td", { class: "symbol" }, h("a", { href: path }, l.good)),
    price(l.ask, l.ask_before, l.seen),
    price(l.bid, l.bid_before, l.seen),
    h("td", { class: "number dim" }, `${((100 * (l.ask - l.bid)) / l.ask).toFixed(0)}\u2009%`),
    h("td", { class: "number" }, count(l.trade_volume)),
    h("td", { class: "indent" }, supply(l.supply)),
    h("td", { class: "dim" }, (l.activity ?? "–").toLowerCase()),
    h("td", { class: "dim" }, l.type.toLowerCase()),
    h("td", { class: "number dim" }, ago(l.seen)));
}

/** A price with the direction in which it moved lately. */
function price(value, before, seen) {
  const moved = before !== null && before !== value && now() - seen < FRESH;
  return h("td", { class: "number" }, moved && h("small", { class: "dim", title: `was ${count(before)}` }, value > before ? "▲ " : "▼ "), count(value));
}

/** Five steps from scarce to abundant, and the word. */
export function supply(word) {
  return h("span", { class: "supply" },
    h("span", { class: "steps", "aria-hidden": "true" }, [0, 1, 2, 3, 4].map((i) => h("i", { class: i <= RANK[word] ? "on" : "" }))), word.toLowerCase());
}

function nothing() {
  return empty("No prices are known yet: they show only where a ship is. Scout a system, and its markets appear here by themselves.",
    "spacetraders market scout --system X1-YZ12 --ships PROBE-1");
}
