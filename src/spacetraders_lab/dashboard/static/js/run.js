// One run: how far it is, what each ship is doing, what it costs, and what it has measured so far.

import { Chart, look, paint } from "./chart.js";
import { h, show } from "./dom.js";
import { ago, clock, count, credits, duration, moment, now, percent, short, signed } from "./format.js";
import { impact } from "./impact.js";
import { ladder } from "./ladder.js";
import { drawLane, laneSpan } from "./lanes.js";
import { bar, empty, panel, pill, table } from "./parts.js";
import { controls } from "./controls.js";
import { follow } from "./stream.js";

const LIMIT = 2.5; // requests a second that the game allows in the long run: 2, and 30 more a minute
const PACE_WINDOW = 60;

export function runView(main, session, runId) {
  let view = null;
  let chosen = null; // the ship whose ladder is shown; null follows the last trade
  let chart = null;
  document.title = `Run ${runId.slice(0, 8)} · Liquidity Lab`;

  const choose = (ship) => {
    chosen = ship;
    draw();
  };
  const draw = () => {
    if (!view) return;
    show(main, page(view, session, chosen, choose));
    const plot = main.querySelector("#throughput");
    if (plot && !chart) chart = new Chart(plot, 150, throughputOptions);
    chart?.set(perMinute(view.throughput));
    drawLanes(main, view.ships);
  };
  const stop = follow(`runs/${encodeURIComponent(runId)}`, (fresh) => {
    view = fresh;
    draw();
  }, (why) => show(main, empty(why)));
  const ticking = setInterval(draw, 1000);
  const redraw = () => view && drawLanes(main, view.ships);
  addEventListener("resize", redraw);
  return () => {
    clearInterval(ticking);
    removeEventListener("resize", redraw);
    chart?.close();
    stop();
  };
}

function page(view, session, chosen, choose) {
  return [
    heading(view, session),
    figures(view),
    h("div", { class: "columns" },
      h("div", { class: "grow stack" },
        panel("Queue", { class: "grow", aside: legend() }, queue(view.goods)),
        panel("Trades per minute", {}, h("div", { id: "throughput", class: "plot", "data-island": true, role: "img", "aria-label": inWords(view.throughput) }))),
      panel("Price ladder", { class: "side laddered", aside: h("p", { class: "dim" }, "expected by the price law") }, ladder(view.ladders, chosen, choose))),
    panel("Ships", {}, lanes(view.ships, isLeft(view.run))),
    h("div", { class: "columns" },
      panel("Last trades", { class: "grow" }, tape(view.tape)),
      h("div", { class: "side wider stack" },
        panel("Impact of a full trade volume", { aside: h("p", { class: "dim" }, "median, % of the quote") }, impact(view.impact)),
        panel("Failed pairs", { class: "grow", aside: h("p", { class: "dim" }, count(view.progress.pairs.FAILED)) }, failures(view.failures)))),
  ];
}

function heading({ run, progress }, session) {
  const facts = [run.system, run.universe && `universe of ${run.universe}`, `begun ${moment(run.created)}`, `last trade ${ago(progress.last_trade)}`];
  return h("header", { class: "run" },
    h("div", {},
      h("h1", {}, h("span", { class: "symbol" }, run.run_id), pill(run.status, { role: "status" })),
      h("p", { class: "dim" }, facts.filter(Boolean).join(" · ")),
      run.reason && h("p", { class: "reason" }, run.reason),
      isLeft(run) && h("p", { class: "reason", role: "status" }, "No ship is working on this run: its daemon or its command has ended. Continue it with: ",
        h("span", { class: "symbol" }, `spacetraders experiment resume --run-id ${run.run_id}`))),
    h("div", { class: "actions" },
      controls(session, run),
      session.makes_reports && progress.trades > 0 && h("a", { class: "button", href: `/runs/${encodeURIComponent(run.run_id)}/report` }, "Report")));
}

/** Whether nobody flies for a run that is to go on: every lease of those who did has ended. */
function isLeft(run) {
  return run.status === "RUNNING" && now() > run.attended_until;
}

function figures({ run, progress, money, pace }) {
  const ended = progress.pairs.COMPLETED + progress.pairs.FAILED;
  const trades = recently(pace, pace.trades);
  const requests = recently(pace, pace.requests) / PACE_WINDOW / run.speed; // the limit is in seconds of the game
  const fast = requests > LIMIT * 1.2;
  const left = isLeft(run) ? null : progress.seconds_left;
  return h("dl", { class: "figures" },
    figure("Progress", progress.share === null ? "–" : percent(progress.share), progress.loaded < 1 ? `reading ${percent(progress.loaded, 0)}` : pairsEnded(ended, progress),
      progressBar(progress)),
    figure("Time left", run.status === "RUNNING" ? duration(left) : "–", left && run.status === "RUNNING" ? `until ${moment(now() + left)}` : run.finished ? `ended ${moment(run.finished)}` : isLeft(run) ? "no ship is at work" : progress.share === null ? "until precise enough" : "no pace yet"),
    figure("Trades", count(progress.trades), progress.planned_trades ? `of ${count(progress.planned_trades)} planned` : "recorded",
      progress.planned_trades ? bar([[progress.trades / progress.planned_trades, "done"]]) : null),
    figure("Pace", `${count(trades)}`, "trades in the last minute"),
    figure("Requests", `${requests.toFixed(2)}/s`, fast ? "above the game's limit" : run.speed === 1 ? `of ${LIMIT}/s allowed` : `of ${LIMIT}/s in game time`,
      bar([[requests / LIMIT, "done"]])),
    figure("Net spent", credits(money.outlay), `of a budget of ${credits(money.budget)}`, bar([[money.outlay / (money.budget || 1), "done"]])),
    figure("At risk", credits(money.aboard), "paid for cargo still aboard"));
}

function progressBar({ is_open, share, total, pairs }) {
  if (is_open) return bar([[share ?? 0, "done"]]);
  return bar([[pairs.COMPLETED / (total || 1), "done"], [pairs.FAILED / (total || 1), "failed"]]);
}

function pairsEnded(ended, progress) {
  return progress.is_open ? `${count(ended)} pairs so far` : `${count(ended)} of ${count(progress.total)} pairs`;
}

function figure(name, value, note, meter = null) {
  return h("div", {}, h("dt", {}, name), h("dd", {}, value), h("dd", { class: "note" }, note), h("dd", { class: "meter" }, meter));
}

function recently(pace, counts) {
  const from = Math.floor(now() - PACE_WINDOW - pace.start);
  return counts.reduce((sum, n, second) => (second > from ? sum + n : sum), 0);
}

function legend() {
  return h("ul", { class: "legend" }, [["done", "completed"], ["active", "in progress"], ["failed", "failed"], ["", "pending"]].map(([kind, name]) =>
    h("li", {}, h("i", { class: `cell ${kind}` }), name)));
}

const KINDS = { C: "done", A: "active", F: "failed", P: "" };
const WORDS = { C: "completed", A: "in progress", F: "failed", P: "pending" };

function queue(goods) {
  if (!goods.length) return empty("The queue is empty: this run has no pairs.");
  const size = (pairs) => Object.values(pairs).reduce((a, b) => a + b, 0);
  const longest = Math.max(...goods.map(({ pairs }) => size(pairs)));
  return h("div", { class: "queue" }, goods.map(({ good, pairs, states }) => {
    const total = size(pairs);
    const text = `${good}: ${pairs.COMPLETED} of ${total} completed, ${pairs.CLAIMED} in progress, ${pairs.FAILED} failed`;
    return h("div", { class: "good", "data-key": good },
      h("span", { class: "symbol", title: good }, good),
      states ? h("span", { class: "strip", role: "img", "aria-label": text, style: { width: `${(100 * total) / longest}%` } },
        [...states].map((state, i) => h("i", { class: `cell ${KINDS[state]}`, title: `pair ${i + 1}: ${WORDS[state]}` })))
        : bar([[pairs.COMPLETED / total, "done"], [pairs.CLAIMED / total, "active"], [pairs.FAILED / total, "failed"]], text),
      h("span", { class: "number" }, `${count(pairs.COMPLETED)}/${count(total)}`));
  }));
}

function lanes(ships, areLeft) {
  if (!ships.length) return empty("No ship has joined this run yet.");
  return h("div", { class: `lanes ${ships.some(({ container: box }) => box) ? "contained" : ""}` }, ships.map((ship) => h("div", { class: "lane", "data-key": ship.ship },
    h("span", { class: "symbol" }, ship.ship),
    h("span", { class: "doing" }, areLeft ? "not at work" : ship.doing, h("small", { class: "dim" }, ship.trading && !areLeft ? " now" : ship.last_trade ? ` · ${ago(ship.last_trade)}` : "")),
    h("canvas", { "data-island": true, "data-ship": ship.ship, "aria-hidden": "true" }),
    h("span", { class: "number" }, `${count(ship.completed)} ${ship.completed === 1 ? "pair" : "pairs"}`, ship.failed ? h("small", { class: "bad" }, ` ${ship.failed} failed`) : null),
    h("span", { class: "number dim" }, `${count(ship.trades)} trades`),
    h("span", { class: "dim container" }, container(ship, areLeft)))));
}

function container({ ship, container: box }, isLeft) {
  if (!box) return "";
  const state = isLeft && box.state === "RUNNING" ? "lost" : box.state.toLowerCase();
  const restarts = box.restarts ? `, restarted ${box.restarts}×` : "";
  const href = `/logs?container=${encodeURIComponent(box.container_id)}`;
  return h("a", { href, "aria-label": `${state}${restarts}: log of ${ship}` }, `${state}${restarts}`);
}

function drawLanes(main, ships) {
  const span = laneSpan(ships);
  for (const canvas of main.querySelectorAll("canvas[data-ship]")) {
    const ship = ships.find(({ ship: name }) => name === canvas.dataset.ship);
    if (ship) drawLane(canvas, ship.ticks, Boolean(ship.trading), span);
  }
}

/** Times and rates; the last rate stands at both ends of its step, or a single one would have no width to be seen in. */
function perMinute({ start, width, trades }) {
  if (!trades.length) return [[], []];
  const rates = trades.map((n) => (60 * n) / width);
  return [[...rates, 0].map((_, i) => start + i * width), [...rates, rates.at(-1)]];
}

/** What the chart of trades per minute shows. */
function inWords(throughput) {
  const [times, rates] = perMinute(throughput);
  if (!times.length) return "Trades per minute: none yet";
  return `Trades per minute from ${clock(times[0])} to ${clock(times.at(-1))}: ${count(Math.max(...rates))} at most, ${count(rates.at(-1))} at the end`;
}

function throughputOptions() {
  return look({
    series: [{}, { stroke: paint("accent"), width: 1.5, fill: paint("wash"), points: { show: false }, paths: uPlot.paths.stepped({ align: 1 }) }],
    scales: { y: { range: (_, __, max) => [0, Math.max(1, max * 1.1)] } },
    axes: [{}, { size: 44 }],
  });
}

const TAPE = [["Time", "number"], ["Ship", ""], ["Side", ""], ["Units", "number"], ["Good", ""], ["Market", ""], ["Price", "number"], ["Quote after", "number"], ["Move", "number"]];

function tape(trades) {
  if (!trades.length) return empty("No trade yet: the ships are on their way to their first markets.");
  return table(TAPE, trades.map((t) => h("tr", { "data-key": String(t.id) },
    h("td", { class: "number" }, clock(t.at)),
    h("td", { class: "symbol" }, t.ship),
    h("td", { class: t.operation === "BUY" ? "buy" : "sell" }, t.operation === "BUY" ? "▲ buy" : "▼ sell"),
    h("td", { class: "number" }, count(t.units)),
    h("td", { class: "symbol" }, t.good),
    h("td", { class: "symbol", title: t.market }, short(t.market)),
    h("td", { class: "number" }, count(t.price)),
    h("td", { class: "number" }, count(t.after)),
    h("td", { class: "number" }, t.after === null ? "–" : `${signed((100 * (t.after - t.before)) / t.before)}\u2009%`))),
  { class: "lines", "aria-label": "Last trades" });
}

function failures(rows) {
  if (!rows.length) return empty("No pair has failed.");
  return h("ul", { class: "failures" }, rows.map((row) => h("li", { "data-key": row.pair_id },
    h("p", {}, h("span", { class: "symbol" }, row.pair_id), h("span", { class: "dim" }, ` ${row.claimed_by ?? "no ship"}, attempt ${row.attempts}`)),
    h("p", { class: "reason" }, row.error_message))));
}
