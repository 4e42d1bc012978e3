// The map of messages: colours, search, legend, lasso and the list of what was chosen.
"use strict";

const NARROW = 700;
const PAGE = 50; // messages that the list shows at once
const PALE = "#A9B0B8";
// What is searched and what is looked for, alike: capitals, accents and the two i of Turkish make no difference.
const fold = (text) => text.normalize("NFKD").replace(/[\u0300-\u036f]/g, "").toLowerCase().replaceAll("ı", "i");
const GLYPHS = { circle: "●", square: "■", diamond: "◆", "triangle-up": "▲", x: "✕", "circle-open": "○" };

class MessageMap {
  constructor(figure, data, tree) {
    Object.assign(this, { figure, data, tree });
    this.plot = figure.querySelector(".plot");
    this.state = { by: "topic", hidden: new Set(), query: "", lasso: null, shown: PAGE };
    this.kind = data.webgl && this.hasWebGL() ? "scattergl" : "scatter";
    this.merge(mergedGroups(tree, Math.max(tree.topics.length, 1)));
  }

  hasWebGL() {
    try {
      return Boolean(document.createElement("canvas").getContext("webgl"));
    } catch {
      return false;
    }
  }

  // Read when somebody points at a message or searches: the map is there sooner.
  get texts() {
    this.read ??= block("map-texts") ?? [];
    return this.read;
  }

  get folded() {
    this.alike ??= this.texts.map(fold);
    return this.alike;
  }

  get marks() {
    return this.data.marks[this.state.by];
  }

  get slots() {
    return this.data.slots[this.state.by];
  }

  // Groups of topics as a third way of colouring.
  merge(groups) {
    const { colours, shapes } = this.tree;
    const groupOf = new Map(groups.flatMap((group, place) => group.topics.map((topic) => [topic, place])));
    this.data.slots.merged = this.data.number.map((topic) => groupOf.get(topic) ?? groups.length);
    this.data.marks.merged = groups.map((group, place) => ({
      name: `${place + 1} ${group.words.slice(0, 3).join(", ")}`,
      colour: colours[place % colours.length],
      shape: shapes[Math.floor(place / colours.length) % shapes.length],
    }));
    this.data.marks.merged.push({ ...this.data.marks.topic.at(-1) });
  }

  // Which messages are asked for; null: none in particular.
  chosen() {
    const { query, lasso, hidden } = this.state;
    if (!query && !lasso) return null;
    const found = [];
    for (let at = 0; at < this.data.x.length; at += 1) {
      if (hidden.has(this.slots[at])) continue;
      if (lasso && !lasso.has(at)) continue;
      if (query && !this.folded[at].includes(query)) continue;
      found.push(at);
    }
    return found;
  }

  // Two traces a group of what is found, outliers apart: points that share a look are drawn soonest. What is not
  // found lies beneath, pale.
  traces() {
    const { data, marks, slots } = this;
    const { query, hidden } = this.state;
    const groups = marks.map(() => [[], []]);
    const rest = [];
    for (let at = 0; at < data.x.length; at += 1) {
      if (hidden.has(slots[at])) continue;
      (query && !this.folded[at].includes(query) ? rest : groups[slots[at]][data.faint[at]]).push(at);
    }
    const traces = groups.flatMap(([core, faint], slot) => [
      this.trace(faint, marks[slot], 0.5),
      this.trace(core, marks[slot], 0.9),
    ]);
    return [this.trace(rest, { name: "", colour: PALE, shape: "circle" }, 0.22), ...traces].filter(
      (trace) => trace.x.length,
    );
  }

  trace(members, mark, opacity) {
    const { data } = this;
    const { lasso } = this.state;
    return {
      type: this.kind,
      mode: "markers",
      name: mark.name,
      x: members.map((at) => data.x[at]),
      y: members.map((at) => data.y[at]),
      customdata: members,
      hoverinfo: "none",
      showlegend: false,
      marker: {
        color: mark.colour,
        symbol: mark.shape,
        size: data.size,
        opacity,
      },
      unselected: { marker: { opacity: 0.12 } },
      ...(lasso && { selectedpoints: members.flatMap((at, place) => (lasso.has(at) ? [place] : [])) }),
    };
  }

  layout() {
    const axis = { visible: false, showgrid: false, zeroline: false };
    const narrow = this.plot.clientWidth < NARROW;
    return {
      autosize: true,
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      margin: { l: 5, r: 5, t: 5, b: 5 },
      xaxis: { ...axis },
      yaxis: { ...axis },
      hovermode: "closest",
      dragmode: narrow ? false : "pan",
      uirevision: "kept",
      newselection: { line: { color: "#7B8794" } },
    };
  }

  async start() {
    await Plotly.newPlot(this.plot, this.traces(), this.layout(), { ...OPTIONS, scrollZoom: false, plotGlPixelRatio: devicePixelRatio });
    this.home = [[...this.plot.layout.xaxis.range], [...this.plot.layout.yaxis.range]];
    this.listen();
    this.legend();
    this.tell();
    this.figure.dataset.drawn = "true";
  }

  async redraw() {
    const layout = { ...this.plot.layout };
    if (!this.state.lasso) delete layout.selections;
    this.drawing = true; // plotly tells of selections also when it is we who change them
    await Plotly.react(this.plot, this.traces(), layout);
    this.drawing = false;
    this.tell();
  }

  listen() {
    const { figure, plot } = this;
    const each = (name, act) => {
      for (const button of figure.querySelectorAll(`[data-${name}]`)) {
        button.addEventListener("click", () => act(button.dataset[name], button));
      }
    };
    each("by", (by) => this.colour(by));
    each("show", (what) => this.show(what));
    each("tool", (tool) => this.tool(tool));
    each("save", (format) => save(plot, figure.dataset.name, format));
    figure.querySelector("[data-clear]").addEventListener("click", () => this.clear());
    figure.querySelector("[data-more]").addEventListener("click", () => this.more());
    const search = figure.querySelector("input[type=search]");
    let timer;
    search?.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(() => this.search(search.value), 150);
    });
    plot.on("plotly_hover", (event) => this.tip(event));
    plot.on("plotly_unhover", () => this.tip(null));
    plot.addEventListener("mouseleave", () => this.tip(null)); // plotly is silent while a lasso is drawn
    document.addEventListener("scroll", () => this.tip(null), { passive: true });
    plot.on("plotly_selected", (event) => this.lasso(event));
    plot.on("plotly_deselect", () => this.lasso(null));
    document.addEventListener("merged", (event) => {
      this.merge(event.detail);
      if (this.state.by === "merged") this.colour("merged");
    });
  }

  colour(by) {
    Object.assign(this.state, { by, hidden: new Set() });
    this.press("by", by);
    this.legend();
    return this.redraw();
  }

  press(name, which) {
    for (const button of this.figure.querySelectorAll(`[data-${name}][aria-pressed]`)) {
      button.setAttribute("aria-pressed", String(button.dataset[name] === which));
    }
  }

  legend() {
    const counts = this.marks.map(() => 0);
    for (const slot of this.slots) counts[slot] += 1;
    const entries = this.marks.flatMap((mark, slot) => (counts[slot] ? [this.entry(mark, slot, counts[slot])] : []));
    this.figure.querySelector(".legend ul").replaceChildren(...entries);
  }

  entry(mark, slot, count) {
    const button = document.createElement("button");
    const glyph = document.createElement("span");
    const number = document.createElement("span");
    const words = document.createElement("bdi");
    const [, topic = "", named] = mark.name.match(/^(\d+ )?(.*)$/s);
    button.type = "button";
    button.setAttribute("aria-pressed", String(!this.state.hidden.has(slot)));
    glyph.textContent = GLYPHS[mark.shape] ?? "●";
    glyph.style.color = mark.colour;
    glyph.setAttribute("aria-hidden", "true");
    number.textContent = count.toLocaleString("en");
    number.className = "muted";
    words.textContent = named;
    button.append(glyph, ` ${topic}`, words, " ", number);
    button.addEventListener("click", () => this.toggle(slot, button));
    const item = document.createElement("li");
    item.append(button);
    return item;
  }

  toggle(slot, button) {
    const { hidden } = this.state;
    if (!hidden.delete(slot)) hidden.add(slot);
    button.setAttribute("aria-pressed", String(!hidden.has(slot)));
    return this.redraw();
  }

  show(what) {
    this.state.hidden = new Set(what === "none" ? this.marks.keys() : []);
    this.legend();
    return this.redraw();
  }

  search(text) {
    Object.assign(this.state, { query: fold(text.trim()), shown: PAGE });
    return this.redraw();
  }

  // plotly tells of its selection before it has drawn it, and draws it itself.
  lasso(event) {
    const found = event?.points?.map((point) => point.customdata);
    if (this.drawing || (event && !found)) return;
    Object.assign(this.state, { lasso: found ? new Set(found) : null, shown: PAGE });
    this.tell();
  }

  clear() {
    const search = this.figure.querySelector("input[type=search]");
    if (search) search.value = "";
    Object.assign(this.state, { query: "", lasso: null, shown: PAGE });
    return this.redraw();
  }

  more() {
    this.state.shown += PAGE;
    this.tell();
  }

  tool(name) {
    if (name === "pan" || name === "lasso") {
      this.press("tool", name);
      return Plotly.relayout(this.plot, { dragmode: name });
    }
    const ranges = name === "reset" ? this.home : this.zoomed(name === "zoom_in" ? 0.7 : 1 / 0.7);
    return Plotly.relayout(this.plot, { "xaxis.range": ranges[0], "yaxis.range": ranges[1] });
  }

  zoomed(factor) {
    return [this.plot.layout.xaxis.range, this.plot.layout.yaxis.range].map(([low, high]) => {
      const [middle, half] = [(low + high) / 2, (factor * (high - low)) / 2];
      return [middle - half, middle + half];
    });
  }

  tell() {
    const found = this.chosen();
    const all = this.data.x.length.toLocaleString("en");
    const status =
      found === null ? say("map.status_all", { all }) : say("map.status_some", { found: found.length.toLocaleString("en"), all }, found.length);
    const sampled = this.data.everything > this.data.x.length;
    const note = sampled ? " " + say("map.sampled", { drawn: all, all: this.data.everything.toLocaleString("en") }) : "";
    this.figure.querySelector(".status").textContent = status + note;
    this.figure.querySelector(".chosen").hidden = found === null;
    this.list(found ?? []);
  }

  list(found) {
    const shown = found.slice(0, this.state.shown);
    const items = shown.map((at) => {
      const item = document.createElement("li");
      item.append(...this.described(at));
      return item;
    });
    this.figure.querySelector(".chosen ol").replaceChildren(...items);
    this.figure.querySelector("[data-more]").hidden = found.length <= shown.length;
  }

  // What is said of a message: its topic and theme, and its text where it may be shown.
  described(at) {
    const { data, texts } = this;
    const head = document.createElement("div");
    const topic = data.number[at] < 0 ? say("map.no_topic") : say("map.topic", { topic: data.number[at] });
    const outlier = data.faint[at] ? ` (${say("map.outlier")})` : "";
    const theme = document.createElement("bdi");
    const seen = data.seen[at] > 1 ? ` · ×${data.seen[at]}` : "";
    head.className = "muted small";
    theme.textContent = data.marks.theme[data.slots.theme[at]].name;
    head.append(`${topic}${outlier} · `, theme, seen);
    if (!texts.length) return [head];
    const quote = document.createElement("blockquote");
    quote.dir = "auto";
    quote.textContent = texts[at].length > 1200 ? texts[at].slice(0, 1200) + "…" : texts[at];
    return [head, quote];
  }

  tip(event) {
    const tip = this.figure.querySelector(".tip");
    const at = event?.points[0].customdata;
    tip.hidden = at === undefined;
    if (tip.hidden) return;
    tip.replaceChildren(...this.described(at));
    const pointer = event.event ?? { clientX: innerWidth / 2, clientY: innerHeight / 2 };
    const [wide, high] = [tip.offsetWidth, tip.offsetHeight];
    tip.style.left = `${Math.max(8, Math.min(pointer.clientX + 14, innerWidth - wide - 8))}px`;
    tip.style.top = `${pointer.clientY + high + 20 > innerHeight ? Math.max(8, pointer.clientY - high - 14) : pointer.clientY + 14}px`;
  }
}

const figure = document.getElementById("the-map");
const points = block("map-data");
// Once the page can be read.
if (figure && points) setTimeout(() => new MessageMap(figure, points, block("topics-data")).start());
