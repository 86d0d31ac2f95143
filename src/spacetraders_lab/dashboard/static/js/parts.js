// Pieces that several views share.

import { h } from "./dom.js";

/** A panel with its heading; `aside` stands at the heading's right. */
export function panel(title, attributes, ...content) {
  const { aside = null, ...rest } = attributes;
  return h("section", { ...rest, class: `panel ${rest.class ?? ""}` }, h("header", {}, h("h2", {}, title), aside), ...content);
}

/** A table; columns are [heading, "number" or "", how it is sorted or nothing], rows are lists of cells or elements. */
export function table(columns, rows, attributes = {}) {
  const cell = (content, i) => (content instanceof HTMLTableCellElement ? content : h("td", { class: columns[i][1] }, content ?? ""));
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": attributes["aria-label"] ?? "table" },
    h("table", attributes,
      h("thead", {}, h("tr", {}, columns.map(([name, kind, sort]) => h("th", { class: kind, scope: "col", "aria-sort": sort }, name)))),
      h("tbody", {}, rows.map((row) => (row instanceof HTMLTableRowElement ? row : h("tr", {}, row.map(cell)))))));
}

/** What to do where there is nothing to show yet; words in `code` are for the terminal. */
export function empty(text, code = null) {
  return h("div", { class: "empty" }, h("p", {}, text), code && h("pre", {}, code));
}

/** A heading for those who have the page read to them; others see by the tabs where they are. */
export function unseenHeading(text) {
  return h("h1", { class: "unseen" }, text);
}

/** A run's state as a word in a frame; `attributes` such as a role. */
export function pill(status, attributes = {}) {
  return h("span", { ...attributes, class: "pill", "data-status": status }, status.toLowerCase());
}

/** A thin bar of shares: [[share of 1, kind], …]; without a label, words beside it say the same. */
export function bar(parts, label = null) {
  return h("span", { class: "bar", ...(label ? { role: "img", "aria-label": label } : { "aria-hidden": "true" }) },
    parts.filter(([share]) => share > 0).map(([share, kind]) => h("i", { class: kind, style: { width: `${100 * Math.min(1, share)}%` } })));
}

/** How the pairs of a run stand, as one bar. */
export function pairsBar({ pairs, status }) {
  const total = Object.values(pairs).reduce((a, b) => a + b, 0) || 1;
  const text = `${pairs.COMPLETED} completed, ${pairs.CLAIMED} in progress, ${pairs.FAILED} failed, ${pairs.PENDING} ${status === "CANCELLED" ? "not measured" : "pending"}`;
  return bar([[pairs.COMPLETED / total, "done"], [pairs.CLAIMED / total, "active"], [pairs.FAILED / total, "failed"]], text);
}
