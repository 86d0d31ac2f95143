// The logs of the containers, followed and filtered. New lines come with the stream; older ones are asked for.

import { h, show } from "./dom.js";
import { clock, count, moment } from "./format.js";
import { empty, unseenHeading } from "./parts.js";
import { follow } from "./stream.js";

const LEVELS = ["DEBUG", "INFO", "WARNING", "ERROR"];
const MOST = 2000; // lines kept in the page

export function logsView(main) {
  const asked = new URLSearchParams(location.search);
  const filter = { container: asked.get("container") ?? "", level: asked.get("level") ?? "INFO", contains: asked.get("contains") ?? "" };
  let [lines, containers, newest, following, exhausted] = [[], null, 0, true, false];
  document.title = "Logs · Liquidity Lab";

  const fits = (line) => (!filter.container || line.container_id === filter.container)
    && !LEVELS.slice(0, LEVELS.indexOf(filter.level)).includes(line.level.toUpperCase())
    && line.message.toLowerCase().includes(filter.contains.toLowerCase());
  const ask = async (more) => {
    const answer = await fetch(`/api/logs?${new URLSearchParams({ ...filter, ...more })}`).catch(() => null); // the stream says why
    return answer?.ok ? answer.json() : [];
  };
  const add = (found) => {
    const known = new Set(lines.map(({ log_id: id }) => id));
    lines = [...lines, ...found.filter((line) => fits(line) && !known.has(line.log_id))].sort((a, b) => a.log_id - b.log_id).slice(-MOST);
  };
  const refill = async () => {
    const wanted = JSON.stringify(filter);
    const found = await ask({});
    if (wanted !== JSON.stringify(filter)) return; // typed on meanwhile
    exhausted = false;
    lines = [];
    add(found);
    history.replaceState(null, "", `/logs?${new URLSearchParams(Object.entries(filter).filter(([, value]) => value))}`);
    draw();
  };
  const older = async () => {
    const found = await ask({ before: String(lines[0]?.log_id ?? newest + 1) });
    exhausted = !found.length;
    following = false;
    const known = new Set(lines.map(({ log_id: id }) => id));
    lines = [...found.filter(({ log_id: id }) => !known.has(id)), ...lines].slice(0, MOST);
    draw();
  };
  const change = (name) => (event) => {
    filter[name] = event.target.value;
    refill();
  };
  const draw = () => {
    if (!containers) return;
    if (!containers.length) {
      show(main, nothing());
      return;
    }
    show(main, unseenHeading("Logs"), bar(), h("div", { class: "panel log", tabindex: "0", role: "log", "aria-label": "Log lines", onscroll: scrolled },
      lines.length && !exhausted ? h("button", { type: "button", class: "older", onclick: older }, "Older lines") : h("p", { class: "dim older" }, lines.length ? "The log begins here." : ""),
      lines.length ? lines.map(line) : empty("No line fits these filters.")));
    const box = main.querySelector(".log");
    if (following) box.scrollTop = box.scrollHeight;
  };
  const scrolled = (event) => {
    const box = event.target;
    const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 40;
    if (atEnd !== following) {
      following = atEnd;
      draw();
    }
  };
  const bar = () => h("div", { class: "bar-of-controls" },
    h("label", {}, "Container ", select([["", "all"], ...containers.map((c) => [c.container_id, `${c.ship_symbol} · ${c.container_id.slice(0, 18)}`])], filter.container, change("container"))),
    h("label", {}, "Level ", select(LEVELS.map((level) => [level, level.toLowerCase()]), filter.level, change("level"))),
    h("label", {}, "Contains ", h("input", { type: "search", value: filter.contains, placeholder: "text", oninput: change("contains") })),
    h("span", { class: "dim" }, `${count(lines.length)} lines shown`),
    h("button", { type: "button", "aria-pressed": String(following), class: "follow", onclick: () => {
      following = !following;
      draw();
    } }, following ? "Following" : "Follow"));
  const line = (one) => h("div", { class: "line", "data-key": String(one.log_id), "data-level": one.level.toUpperCase() },
    h("time", { title: moment(one.logged_at) }, clock(one.logged_at)),
    h("span", { class: "level" }, one.level.toLowerCase()),
    h("span", { class: "ship" }, ship(one.container_id)),
    h("span", { class: "text" }, one.message));
  const ship = (id) => containers.find((c) => c.container_id === id)?.ship_symbol ?? id;

  const stop = follow("logs", async (view) => {
    const first = !containers;
    containers = view.containers;
    const lowest = view.lines[0]?.log_id ?? 0;
    const gap = !first && lowest > newest + 1 && view.lines.length > 100;
    const before = newest;
    newest = view.lines.at(-1)?.log_id ?? newest;
    if (first) await refill();
    else if (gap) add(await ask({ after: String(before) }));
    add(view.lines);
    draw();
  }, (why) => show(main, empty(why)));
  return stop;
}

function select(choices, value, onchange) {
  return h("select", { onchange }, choices.map(([key, text]) => h("option", { value: key, selected: key === value }, text)));
}

function nothing() {
  return empty("No log lines yet. They appear as soon as a run begins.");
}
