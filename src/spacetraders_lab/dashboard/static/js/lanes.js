// What each ship did lately, on a line of time: a mark up for a purchase, down for a sale. The words beside it say the same.

import { paint } from "./chart.js";
import { now } from "./format.js";

export const LANE_SECONDS = 600;
const HEIGHT = 26;

/** Draw one ship's ticks into a canvas; `span` seconds fit into it, the right edge is now. */
export function drawLane(canvas, ticks, busy, span) {
  const width = canvas.clientWidth;
  const scale = devicePixelRatio || 1;
  if (!width) return;
  if (canvas.width !== Math.round(width * scale)) canvas.width = Math.round(width * scale);
  if (canvas.height !== HEIGHT * scale) canvas.height = HEIGHT * scale;
  const context = canvas.getContext("2d");
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, HEIGHT);
  const middle = HEIGHT / 2;
  context.fillStyle = paint("line");
  context.fillRect(0, middle - 0.5, width, 1);
  const end = now();
  const [accent, text] = [paint("accent"), paint("text")];
  for (const [at, side] of ticks) {
    const x = width * (1 - (end - at) / span);
    if (x < 0) continue;
    context.fillStyle = side > 0 ? accent : text;
    context.fillRect(Math.min(x, width - 2), side > 0 ? middle - 10 : middle + 1, 2, 9);
  }
  if (busy) {
    context.fillStyle = accent;
    context.fillRect(width - 3, middle - 3, 3, 6);
  }
}

/** So many seconds that the ticks fill the lane: a young run is not drawn as ten empty minutes. */
export function laneSpan(ships) {
  const first = Math.min(...ships.flatMap((ship) => ship.ticks.slice(0, 1).map(([at]) => at)), now());
  const steps = [30, 60, 120, 300, LANE_SECONDS];
  return steps.find((span) => span >= now() - first) ?? LANE_SECONDS;
}
