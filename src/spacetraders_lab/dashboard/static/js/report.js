// The whole report of a run, in a frame that keeps its scripts to itself.

import { h, show } from "./dom.js";
import { empty } from "./parts.js";

export function reportView(main, session, runId) {
  document.title = `Report of ${runId.slice(0, 8)} · Liquidity Lab`;
  const address = `/api/reports/${encodeURIComponent(runId)}`;
  const heading = h("header", { class: "run" },
    h("div", {}, h("h1", {}, "Report of ", h("a", { class: "symbol", href: `/runs/${encodeURIComponent(runId)}` }, runId))),
    h("div", { class: "actions" }, h("a", { href: address, target: "_blank", rel: "noopener" }, "open by itself")));
  let here = true;
  show(main, heading, empty("The report is being made; this takes a few seconds."));
  fetch(address).catch(() => null).then(async (answer) => {
    if (!here) return;
    if (!answer) show(main, heading, empty("The dashboard does not answer. See that it runs, then load this page again.", "spacetraders dashboard"));
    else if (answer.ok) show(main, heading, h("iframe", { class: "report", src: address, sandbox: "allow-scripts allow-downloads", title: "Report" }));
    else show(main, heading, empty((await answer.json()).error, `spacetraders experiment report --run-id ${runId}`));
  });
  return () => {
    here = false;
  };
}
