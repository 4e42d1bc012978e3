// Draws the figures that the page carries, and saves them. The map has a script of its own.
"use strict";

// The tools are named one by one, as plotly's own choice has a button that sends the messages to a server.
const OPTIONS = {
  responsive: true,
  displaylogo: false,
  displayModeBar: false,
  showSendToCloud: false,
  plotlyServerURL: "",
};

const PAPER = { paper_bgcolor: "#ffffff", plot_bgcolor: "#ffffff", font: { color: "#1f262d" } };

const SLIM = 480; // pixels
const DIGIT = 0.6; // of its height is a digit's width, with some space
const [SMALLEST, LARGEST] = [8, 13]; // pixels, of numbers in cells

function block(id) {
  const element = document.getElementById(id);
  return element && JSON.parse(element.textContent);
}

const TEXTS = block("texts") ?? {};

// Fills a text of the catalogue; of two forms, the one for the number.
function say(key, values = {}, number = undefined) {
  const entry = TEXTS[key];
  const text = Array.isArray(entry) ? entry[number === 1 ? 0 : 1] : entry;
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

function counted(number, what) {
  return `${number.toLocaleString("en")} ${say("counted." + what, {}, number)}`;
}

// Saved on white paper, whatever the page's ground is.
function save(plot, name, format, width = plot.clientWidth, height = plot.clientHeight) {
  const layout = { ...plot.layout, ...PAPER, autosize: false, width, height };
  return Plotly.downloadImage({ data: plot.data, layout }, { format, width, height, filename: name, scale: 2 });
}

function scaled(plot, layout) {
  for (const svg of plot.querySelectorAll(".main-svg")) {
    svg.setAttribute("viewBox", `0 0 ${layout.width} ${layout.height}`);
  }
  plot.style.height = "auto";
  plot.style.aspectRatio = `${layout.width} / ${layout.height}`;
}

// A heat map's numbers keep apart: on a narrow page they have the room of the colour bar, in a smaller hand or none.
async function spaced(plot, templates) {
  for (const [at, trace] of plot._fullData.entries()) {
    if (trace.type !== "heatmap" || !templates[at]) continue;
    await Plotly.restyle(plot, { showscale: plot.clientWidth >= SLIM }, [at]);
    const longest = Math.max(...trace.text.flatMap((row) => [...row].map((text) => String(text).length)));
    const size = Math.floor(plot._fullLayout._size.w / trace.text[0].length / (DIGIT * longest));
    const texttemplate = size < SMALLEST ? "" : templates[at];
    await Plotly.restyle(plot, { "textfont.size": Math.min(size, LARGEST), texttemplate }, [at]);
  }
}

async function draw(figure) {
  const plot = figure.querySelector(".chart");
  const data = block("figure-" + figure.dataset.figure);
  const fixed = figure.classList.contains("fixed");
  const templates = data.data.map((trace) => trace.texttemplate);
  const layout = { ...data.layout, autosize: !fixed };
  if (!fixed) delete layout.height; // the element has it
  await Plotly.newPlot(plot, data.data, layout, { ...OPTIONS, responsive: !fixed });
  if (fixed) scaled(plot, layout);
  await spaced(plot, templates);
  plot.on("plotly_relayout", () => spaced(plot, templates)); // a phone is turned
  for (const button of figure.querySelectorAll("[data-save]")) {
    const size = fixed ? [layout.width, layout.height] : [];
    button.addEventListener("click", () => save(plot, figure.dataset.name, button.dataset.save, ...size));
  }
  figure.dataset.drawn = "true";
  figure.dispatchEvent(new Event("drawn"));
}

// One after the other, so that the page can be read meanwhile; all of them, as they may be printed.
async function drawAll() {
  for (const figure of document.querySelectorAll("figure[data-figure]")) {
    await draw(figure);
    await new Promise((resolve) => setTimeout(resolve));
  }
}
addEventListener("DOMContentLoaded", () => setTimeout(drawAll)); // after the map, which set its time before

// Paper has another width than the screen: let the drawings scale to it.
addEventListener("beforeprint", () => {
  for (const svg of document.querySelectorAll(":is(.plot, .chart) .main-svg")) {
    svg.setAttribute("viewBox", `0 0 ${svg.getAttribute("width")} ${svg.getAttribute("height")}`);
  }
});
addEventListener("afterprint", () => {
  for (const svg of document.querySelectorAll(":is(.plot, .chart) .main-svg")) {
    if (!svg.closest(".fixed")) svg.removeAttribute("viewBox");
  }
});
