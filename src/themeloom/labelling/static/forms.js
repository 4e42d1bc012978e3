// Sends forms as JSON, and says or follows what comes back.

import { heading, newId } from "./outbox.js";

const keys = new Map();

for (const form of document.querySelectorAll("form[data-send]")) {
  const button = form.querySelector("button");
  const status = form.querySelector("[role=status]");
  if (button.dataset.key) keys.set(button.dataset.key, button);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    const fresh = form.querySelector("[data-new-id]");
    if (fresh && !fresh.value) fresh.value = newId();
    const body = Object.fromEntries(new FormData(form));
    if (form.dataset.numbers) body[form.dataset.numbers] = Number(body[form.dataset.numbers]);
    try {
      const answer = await fetch(form.dataset.send, {
        method: "POST",
        headers: heading(),
        body: JSON.stringify(body),
      });
      const found = await answer.json();
      status.className = answer.ok ? "said" : "fault";
      if (!answer.ok) status.textContent = found.error;
      else if (found.next) location.assign(found.next);
      else if (form.hasAttribute("data-link")) showLink(status, found.said);
      else status.textContent = found.said;
    } catch {
      status.className = "fault";
      status.textContent = "The server cannot be reached; try again in a moment.";
    }
    button.disabled = false;
  });
}

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select");
  const digit = /^(?:Digit|Numpad)([1-9])$/.exec(event.code)?.[1]; // whatever the keyboard writes there
  if (!typing && !event.ctrlKey && !event.metaKey && !event.altKey) keys.get(digit ?? event.key)?.click();
});

function showLink(status, path) {
  const link = document.createElement("code");
  link.textContent = location.origin + path;
  status.replaceChildren("Shown once: ", link);
}
