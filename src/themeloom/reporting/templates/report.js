// Draws the figures that the page carries. A figure's update menu becomes real buttons, which a
// keyboard and a screen reader can use.
"use strict";

const NARROW = 700;

// The tools are named one by one, as plotly's own choice has a button that sends the messages to a server.
const OPTIONS = {
  responsive: true,
  displaylogo: false,
  showSendToCloud: false,
  plotlyServerURL: "",
  modeBarButtons: [["zoom2d", "pan2d", "zoomIn2d", "zoomOut2d", "resetScale2d", "toImage"]],
  toImageButtonOptions: { filename: "map", scale: 2 },
};

const CHART = { ...OPTIONS, displayModeBar: false, modeBarButtons: undefined };

function withoutWebGL() {
  try {
    return !document.createElement("canvas").getContext("webgl");
  } catch {
    return true;
  }
}

function fitted(figure, width, isMap) {
  const layout = { ...figure.layout, autosize: true };
  delete layout.updatemenus;
  delete layout.height; // the style sheet says it
  if (isMap && width < NARROW) {
    layout.legend = { ...layout.legend, orientation: "h", x: 0, y: 0, yanchor: "top" };
    layout.margin = { l: 5, r: 5, t: 40, b: 5 };
    layout.dragmode = false;
  }
  return layout;
}

function addSwitch(figure, buttons, plot) {
  for (const [index, entry] of buttons.entries()) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = entry.label;
    button.setAttribute("aria-pressed", String(index === 0));
    button.addEventListener("click", async () => {
      await Plotly.restyle(plot, ...entry.args);
      for (const other of figure.querySelectorAll(".switch button")) {
        other.setAttribute("aria-pressed", String(other === button));
      }
    });
    figure.querySelector(".switch").append(button);
  }
}

async function draw(figure) {
  const isMap = figure.dataset.figure === "map";
  const plot = figure.querySelector(".plot, .chart");
  const data = JSON.parse(document.getElementById("figure-" + figure.dataset.figure).textContent);
  if (data.data.some((trace) => trace.type === "scattergl") && withoutWebGL()) {
    for (const trace of data.data) trace.type = "scatter";
  }
  const menus = data.layout.updatemenus ?? [];
  await Plotly.newPlot(plot, data.data, fitted(data, plot.clientWidth, isMap), isMap ? OPTIONS : CHART);
  addSwitch(figure, menus[0]?.buttons ?? [], plot);
  figure.dataset.drawn = "true";
}

for (const figure of document.querySelectorAll("figure[data-figure]")) draw(figure);

// Paper has another width than the screen: let the drawings scale to it.
addEventListener("beforeprint", () => {
  for (const svg of document.querySelectorAll(":is(.plot, .chart) .main-svg")) {
    svg.setAttribute("viewBox", `0 0 ${svg.getAttribute("width")} ${svg.getAttribute("height")}`);
  }
});
addEventListener("afterprint", () => {
  for (const svg of document.querySelectorAll(":is(.plot, .chart) .main-svg")) svg.removeAttribute("viewBox");
});
