// Merges topics into fewer groups along the tree, as far as the slider says.
"use strict";

// Groups of topics after the first merges: largest first, each with its topics in order.
function mergedGroups(tree, groups) {
  const count = tree.topics.length;
  const parent = Array.from({ length: count + tree.merges.length }, (_, node) => node);
  const root = (node) => (parent[node] === node ? node : (parent[node] = root(parent[node])));
  for (const [place, [first, second]] of tree.merges.slice(0, count - groups).entries()) {
    parent[root(first)] = count + place;
    parent[root(second)] = count + place;
  }
  const members = new Map();
  for (let topic = 0; topic < count; topic += 1) {
    const of = root(topic);
    members.set(of, [...(members.get(of) ?? []), topic]);
  }
  const size = (topics) => topics.reduce((sum, topic) => sum + tree.topics[topic].size, 0);
  return [...members.entries()]
    .map(([node, topics]) => ({ node, topics, size: size(topics), words: groupWords(tree, topics) }))
    .sort((one, other) => other.size - one.size || one.topics[0] - other.topics[0]);
}

// A group's words are those of its topics, each weighing as much as its topic has messages.
function groupWords(tree, topics) {
  const weights = new Map();
  for (const topic of topics) {
    const { size, words } = tree.topics[topic];
    for (const [word, weight] of words) weights.set(word, (weights.get(word) ?? 0) + size * weight);
  }
  return [...weights.entries()].sort((one, other) => other[1] - one[1]).slice(0, 4).map(([word]) => word);
}

function showGroups(groups) {
  const rows = groups.map((group, place) => {
    const row = document.createElement("tr");
    const head = document.createElement("th");
    head.scope = "row";
    head.textContent = place + 1;
    const cells = [group.topics.join(", "), group.words.join(", "), group.size.toLocaleString("en")].map((text) => {
      const cell = document.createElement("td");
      cell.textContent = text;
      cell.dir = "auto";
      return cell;
    });
    cells[2].className = "num";
    row.append(head, ...cells);
    return row;
  });
  document.querySelector("#merged-groups tbody").replaceChildren(...rows);
}

// Branches inside a group take its colour; those above are pale; a line says where the tree is cut.
function colourBranches(tree, groups) {
  const plot = document.querySelector("figure[data-figure=hierarchy][data-drawn] .chart");
  if (!plot) return;
  const count = tree.topics.length;
  const joined = count - groups.length;
  const groupOf = new Map(groups.flatMap((group, place) => group.topics.map((topic) => [topic, place])));
  const leaf = (node) => (node < count ? node : leaf(tree.merges[node - count][0]));
  const colours = tree.merges.map((merge, place) =>
    place < joined ? tree.colours[groupOf.get(leaf(merge[0])) % tree.colours.length] : "#A9B0B8",
  );
  const low = joined ? tree.merges[joined - 1][2] : 0;
  const high = joined < tree.merges.length ? tree.merges[joined][2] : low * 1.05;
  const cut = (low + high) / 2;
  const line = { color: "#7B8794", width: 2, dash: "dash" };
  Plotly.restyle(plot, { "line.color": colours });
  Plotly.relayout(plot, { shapes: [{ type: "line", x0: cut, x1: cut, y0: 0, y1: 1, yref: "paper", line }] });
}

const slider = document.getElementById("groups");
const tree = block("topics-data");
if (slider && tree) {
  const move = () => {
    const groups = mergedGroups(tree, Number(slider.value));
    document.querySelector("output[for=groups]").textContent = counted(groups.length, "group");
    showGroups(groups);
    colourBranches(tree, groups);
    document.dispatchEvent(new CustomEvent("merged", { detail: groups }));
  };
  slider.addEventListener("input", move);
  document.querySelector("figure[data-figure=hierarchy]")?.addEventListener("drawn", move);
}
