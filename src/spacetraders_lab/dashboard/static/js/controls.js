// Pause, resume, cancel: shown only where the server was started with --allow-control.

import { h } from "./dom.js";

const OFFERED = { RUNNING: ["pause", "cancel"], SUSPENDED: ["resume", "cancel"] };

export function controls(session, run) {
  if (!session.may_act) return null;
  return h("div", { class: "controls" }, (OFFERED[run.status] ?? []).map((action) =>
    h("button", { type: "button", class: action === "cancel" ? "danger" : "", onclick: () => act(session, run.run_id, action) }, action[0].toUpperCase() + action.slice(1))));
}

async function act(session, runId, action) {
  if (action === "cancel" && !confirm("Cancel this run for good? What was measured stays.")) return;
  const answer = await fetch(`/api/runs/${encodeURIComponent(runId)}/${action}`, {
    method: "POST",
    headers: { "x-action-token": session.action_token },
  }).catch(() => null);
  if (!answer?.ok) alert(answer ? (await answer.json()).error : "The dashboard does not answer; nothing was changed.");
}
