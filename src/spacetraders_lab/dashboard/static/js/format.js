// Numbers and times as the page writes them.

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

/** 12,345; a dash for what is not known. */
export function count(value) {
  return value === null || value === undefined ? "–" : whole.format(value);
}

/** 1.24M, 38.2k, 940: credits in few digits. */
export function credits(value) {
  if (value === null || value === undefined) return "–";
  const [size, sign] = [Math.abs(value), value < 0 ? "−" : ""];
  if (size >= 1e6) return `${sign}${(size / 1e6).toFixed(2)}M`;
  if (size >= 1e4) return `${sign}${(size / 1e3).toFixed(1)}k`;
  return `${sign}${whole.format(size)}`;
}

/** A share of 1 in per cent: 62.9 %. */
export function percent(share, digits = 1) {
  return `${(100 * share).toFixed(digits)}\u2009%`;
}

/** With its sign: +5.4. */
export function signed(value, digits = 1) {
  return `${value > 0 ? "+" : value < 0 ? "−" : "±"}${Math.abs(value).toFixed(digits)}`;
}

/** 2d 4h, 3h 12m, 4m 05s, 12s. */
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  const s = Math.max(0, Math.round(seconds));
  const [d, hrs, m] = [Math.floor(s / 86400), Math.floor(s / 3600) % 24, Math.floor(s / 60) % 60];
  const two = (n) => String(n).padStart(2, "0");
  if (d) return `${d}d ${hrs}h`;
  if (hrs) return `${hrs}h ${two(m)}m`;
  if (m) return `${m}m ${two(s % 60)}s`;
  return `${s}s`;
}

/** How long ago a moment was, by the server's clock. */
export function ago(epoch) {
  if (!epoch) return "never";
  return now() - epoch < 1 ? "just now" : `${duration(now() - epoch)} ago`;
}

/** The hour of a moment, with seconds. */
export function clock(epoch) {
  return epoch ? new Date(epoch * 1000).toLocaleTimeString("en-GB") : "–";
}

/** Day and hour of a moment. */
export function moment(epoch) {
  if (!epoch) return "–";
  return new Date(epoch * 1000).toLocaleString("en-GB", { day: "2-digit", month: "short", hour: "2-digit", minute: "2-digit" });
}

/** X1-GZ7-A1 is A1 to who knows the system. */
export function short(waypoint) {
  return waypoint.split("-").slice(2).join("-") || waypoint;
}

let offset = 0;

/** Reckon time from the server's clock, not from this machine's. */
export function setServerTime(epoch) {
  offset = epoch - Date.now() / 1000;
}

/** The server's time in epoch seconds. */
export function now() {
  return Date.now() / 1000 + offset;
}
