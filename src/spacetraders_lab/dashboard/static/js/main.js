// Which address shows what. Each view gets the element to draw in and returns a function that ends it.

import { setServerTime } from "./format.js";
import { listingView } from "./listing.js";
import { logsView } from "./logs.js";
import { marketsView } from "./markets.js";
import { reportView } from "./report.js";
import { runsView } from "./runs.js";
import { runView } from "./run.js";
import { h, show } from "./dom.js";

const main = document.getElementById("main");
const ROUTES = [
  [/^\/$/, "runs", runsView],
  [/^\/runs\/([^/]+)$/, "runs", runView],
  [/^\/runs\/([^/]+)\/report$/, "runs", reportView],
  [/^\/markets$/, "markets", marketsView],
  [/^\/markets\/([^/]+)\/([^/]+)$/, "markets", marketsView],
  [/^\/listings\/([^/]+)\/([^/]+)\/([^/]+)$/, "markets", listingView],
  [/^\/logs$/, "logs", logsView],
];
let leave = () => {};

const session = await (await fetch("/api/session")).json();
setServerTime(session.now);

function go() {
  leave();
  main.replaceChildren();
  Object.assign(document.getElementById("link"), { textContent: "" }).dataset.state = "none"; // until a view is followed
  const route = ROUTES.find(([pattern]) => pattern.test(location.pathname));
  document.querySelectorAll("nav a").forEach((a) => {
    if (a.dataset.view === route?.[1]) a.setAttribute("aria-current", "page");
    else a.removeAttribute("aria-current");
  });
  if (!route) {
    leave = () => {};
    show(main, h("p", { class: "empty" }, "There is nothing at this address; ", h("a", { href: "/" }, "all runs"), " are listed here."));
    return;
  }
  show(main, h("p", { class: "empty waiting" }, "Waiting for the database.")); // seen only where it takes a while
  const [pattern, , view] = route;
  leave = view(main, session, ...pattern.exec(location.pathname).slice(1).map(decodeURIComponent));
}

addEventListener("popstate", go);
addEventListener("click", (event) => {
  const a = event.target.closest?.("a[href^='/']");
  if (!a || a.target || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  if (a.href !== location.href) {
    history.pushState(null, "", a.href);
    go();
    scrollTo(0, 0);
    main.focus({ preventScroll: true });
  }
});
go();
