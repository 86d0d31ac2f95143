// uPlot in the page's colours: an element that keeps one chart and redraws it when the data or the width changes.

/* global uPlot */

const dark = matchMedia("(prefers-color-scheme: dark)");
const resolve = document.createElement("i");

/** A colour of the page, by the name of its variable, as a canvas understands it: the browser works light-dark() out. */
export function paint(name) {
  resolve.style.color = `var(--${name})`;
  if (!resolve.isConnected) document.body.append(resolve);
  return getComputedStyle(resolve).color;
}

/**
 * Keep a chart in `element`. `options(size)` makes uPlot's options; `set(data)` shows data. Ends with `close()`.
 */
export class Chart {
  constructor(element, height, options) {
    Object.assign(this, { element, height, options, plot: null, data: null });
    this.resized = new ResizeObserver(() => this.#fit());
    this.resized.observe(element);
    this.recolour = () => this.#remake();
    dark.addEventListener("change", this.recolour);
  }

  set(data) {
    this.data = data;
    if (this.plot && this.plot.series.length === data.length) this.plot.setData(data);
    else this.#remake();
  }

  close() {
    this.resized.disconnect();
    dark.removeEventListener("change", this.recolour);
    this.plot?.destroy();
  }

  #fit() {
    const width = this.element.clientWidth;
    if (this.plot && width) this.plot.setSize({ width, height: this.height });
    else this.#remake();
  }

  #remake() {
    const width = this.element.clientWidth;
    this.plot?.destroy();
    this.plot = null;
    if (!width || !this.data) return;
    this.plot = new uPlot({ width, height: this.height, ...this.options() }, this.data, this.element);
  }
}

/** Hours on the axis of time, with seconds where they tell marks apart; marks within one second share its label. */
function hours(_, marks, __, ___, step) {
  const format = { hour: "2-digit", minute: "2-digit", ...(step < 60 && { second: "2-digit" }) };
  const day = { day: "2-digit", month: "short" };
  const labels = marks.map((mark) => new Date(mark * 1000).toLocaleString("en-GB", step < 86400 ? format : day));
  return labels.map((label, i) => (label === labels[i - 1] ? null : label));
}

/** Axes, grid and cursor of every chart; `more` goes over it. */
export function look(more) {
  const [dim, line] = [paint("dim"), paint("line")];
  const axis = { stroke: dim, font: "11px system-ui", grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1, size: 4 } };
  return {
    legend: { show: false },
    cursor: { points: { size: 6 }, drag: { x: false, y: false } },
    ...more,
    axes: (more.axes ?? [{}, {}]).map((own, i) => ({ ...axis, ...(i === 0 && { values: hours, size: 30, space: 78 }), ...own })),
  };
}
