// Sorts tables by the columns whose names are buttons, and copies texts.
"use strict";

function value(body, button) {
  const text = body.dataset[button.dataset.sort] ?? "";
  return "number" in button.dataset ? (text === "" ? -Infinity : Number(text)) : text;
}

function sort(table, button) {
  const header = button.closest("th");
  const before = header.getAttribute("aria-sort");
  const numbers = "number" in button.dataset && button.dataset.sort !== "topic";
  const direction = before ? (before === "ascending" ? "descending" : "ascending") : numbers ? "descending" : "ascending";
  const sign = direction === "ascending" ? 1 : -1;
  const order = (one, other) => {
    const [a, b] = [value(one, button), value(other, button)];
    return sign * (typeof a === "number" ? a - b || 0 : a.localeCompare(b));
  };
  for (const other of table.querySelectorAll("th[aria-sort]")) other.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", direction);
  table.append(...[...table.tBodies].sort(order));
}

for (const table of document.querySelectorAll("table.sortable")) {
  for (const button of table.querySelectorAll("[data-sort]")) {
    button.addEventListener("click", () => sort(table, button));
  }
}

// A page from a file is no place that a browser lets write to the clipboard at all times: then the text is selected.
async function copy(button) {
  const source = document.getElementById(button.dataset.copy);
  getSelection().selectAllChildren(source);
  try {
    await navigator.clipboard.writeText(source.innerText);
  } catch {
    document.execCommand("copy");
  }
  button.textContent = say("method.copied");
}

for (const button of document.querySelectorAll("[data-copy]")) {
  button.addEventListener("click", () => copy(button));
}

// A link to a topic opens it.
function openTarget() {
  const target = document.getElementById(location.hash.slice(1));
  target?.querySelector("details")?.setAttribute("open", "");
}
addEventListener("hashchange", openTarget);
