// The coding page: one message a screen, keys first, the next ones fetched ahead.

import { fold, make, meaning, paragraph, piece } from "./elements.js";
import { ANOTHER, Drafts, Outbox, ask, newId } from "./outbox.js";

const PAUSE = 20; // codes between two pauses
const AHEAD = 4; // messages fetched ahead: enough to go on for a while without the server
const LOOK = 20; // of the last so many codes, the median tells the pace
const LONGEST = 120; // seconds: a longer look was a break

let state = null;
const at = (id) => document.getElementById(id);

let place = 0; // in the order
let second = null;
let shown = 0; // when the message was shown
let busy = false;
let wanted = true; // single keys
let looking = false; // the guess is shown
let elsewhere = ""; // why nothing can be said here for now: the browser speaks for another coder
let outbox = null;
let drafts = null;
const messages = new Map();
const guesses = new Map();
const seconds = [];
let sinceCoded = 0;

function begin() {
  outbox = new Outbox(`themeloom/${state.study}/${state.coder}`, heard);
  for (const { path, body } of outbox.items) if (path === "/api/code") state.said[body.doc_id] = body;
  drafts = new Drafts(`themeloom-notes/${state.study}/${state.coder}`);
  // What was left for later comes last.
  const later = state.skipped.filter((one) => !state.said[one]);
  state.order = [...state.order.filter((one) => !later.includes(one)), ...later];
  listCodes();
  outbox.flush();
  for (const doc_id of state.order) keepNote(doc_id); // those that were being written when the page was closed
  go(next(0));
}

// ---- where we are

const coded = () => Object.keys(state.said).filter((one) => state.order.includes(one)).length;
const next = (from) => state.order.findIndex((one, index) => index >= from && !state.said[one]);

function go(to) {
  keepNote(document.body.dataset.doc);
  if (to < 0 && coded() < state.order.length) to = next(0);
  if (to < 0) return finish();
  place = to;
  return show();
}

async function message(doc_id) {
  if (!messages.has(doc_id)) messages.set(doc_id, ask(`/api/message/${encodeURIComponent(doc_id)}`));
  return messages.get(doc_id).catch((error) => {
    messages.delete(doc_id);
    throw error;
  });
}

function fetchAhead() {
  const coming = state.order.filter((one, index) => index > place && !state.said[one]).slice(0, AHEAD);
  for (const doc_id of coming) message(doc_id).catch(() => undefined);
}

async function show() {
  const doc_id = state.order[place];
  let found;
  try {
    found = await message(doc_id);
  } catch (error) {
    panel("wait");
    at("wait").replaceChildren(paragraph(error.status ? error.message : "The server cannot be reached. What you coded is kept here, and sent when it is back."));
    setTimeout(() => state.order[place] === doc_id && !at("wait").hidden && show(), 2000);
    return;
  }
  if (state.order[place] !== doc_id) return; // somebody went on meanwhile
  panel("work");
  if (elsewhere) return;
  second = state.said[doc_id]?.second ?? null;
  at("note").value = drafts.of(doc_id) ?? noteOf(doc_id);
  at("text").replaceChildren(...found.pieces.map(piece));
  at("text").classList.remove("fresh");
  requestAnimationFrame(() => at("text").classList.add("fresh"));
  listMasked(found.pieces);
  markGiven();
  status();
  showGuess();
  document.body.dataset.doc = doc_id;
  tellNote();
  at("live").textContent = `Message ${place + 1}: ${found.text}`;
  shown = performance.now();
  if (document.activeElement === at("note")) document.activeElement.blur();
  leaveSearch(); // the next message has the whole codebook
  fetchAhead();
}

// ---- what is said

async function take(code, unclear = false) {
  if (busy || at("work").hidden) return;
  busy = true;
  const doc_id = state.order[place];
  const spent = Math.min((performance.now() - shown) / 1000, 1e6);
  const before = state.said[doc_id];
  fault("");
  const stands = await give({
    doc_id, code, unclear,
    second: second === code || unclear ? null : second,
    note: at("note").value.trim(),
    codebook: state.codebook,
    seconds: Math.round(spent * 100) / 100,
  });
  busy = false;
  if (!stands) return markGiven();
  if (!before) {
    seconds.push(Math.min(spent, LONGEST));
    sinceCoded += 1;
  }
  if (elsewhere) return;
  if (!before && sinceCoded % PAUSE === 0 && coded() < state.order.length) return pause();
  go(next(before ? place + 1 : place));
}

// Resolves to false where it is refused, and what was said before counts.
async function give(said) {
  const before = state.said[said.doc_id];
  state.said[said.doc_id] = said;
  const sent = outbox.send("/api/code", said);
  drafts.drop(said.doc_id); // it is in the outbox by now
  await sent;
  if (state.said[said.doc_id]) return true;
  if (before) state.said[said.doc_id] = before;
  return false;
}

const noteOf = (doc_id) => state.said[doc_id]?.note ?? "";

// A note that was written, or changed, after the code was given: the same code again, with the note.
async function keepNote(doc_id) {
  const note = drafts.of(doc_id)?.trim();
  const before = state.said[doc_id];
  if (!before || note === undefined) return;
  if (note === noteOf(doc_id)) return drafts.drop(doc_id);
  const { code, second, unclear, codebook, seconds } = before;
  await give({ doc_id, code, second, unclear, note, codebook: codebook ?? state.codebook, seconds: seconds ?? null });
  tellNote();
}

function draftNote() {
  const doc_id = state.order[place];
  const written = at("note").value;
  if (written.trim() === noteOf(doc_id)) drafts.drop(doc_id);
  else drafts.keep(doc_id, written);
  tellNote();
}

function tellNote() {
  const doc_id = state.order[place];
  const said = state.said[doc_id];
  let told = said?.note ? "Kept with your code." : "";
  if (drafts.of(doc_id) !== null) told = said ? "Kept when you leave the note." : "Kept in this browser until you give a code.";
  if (at("kept").textContent !== told) at("kept").textContent = told; // said aloud once
}

async function skip() {
  if (busy || at("work").hidden) return;
  const [doc_id] = state.order.splice(place, 1);
  state.order.push(doc_id);
  outbox.send("/api/skip", { doc_id });
  at("live").textContent = "Left for later.";
  go(next(place));
}

async function undo() {
  if (busy) return;
  busy = true;
  if (at("unsent").hidden) await outbox.flush(); // a note that was just left
  try {
    if (outbox.items.length) return fault("Codes are waiting to be sent; what was said can be taken back once they are.");
    const found = await ask("/api/undo", { client: newId() });
    if (!found.doc_id) fault("There is nothing to take back.");
    else {
      const note = noteOf(found.doc_id);
      if (note && !found.said) drafts.keep(found.doc_id, note); // the code is taken back, not what was written
      if (found.said) state.said[found.doc_id] = found.said;
      else delete state.said[found.doc_id];
      const to = state.order.indexOf(found.doc_id);
      if (to >= 0) await go(to);
    }
  } catch (error) {
    fault(error.status ? error.message : "The server cannot be reached; try again in a moment.");
  } finally {
    busy = false;
  }
}

// What the outbox tells.
function heard({ answer, waiting, refused, item, why, status }) {
  if (answer?.codebook > state.codebook) refreshCodes();
  if (refused) {
    const { doc_id, note } = item.body;
    if (note) drafts.keep(doc_id, note);
    if (doc_id) delete state.said[doc_id];
    fault(refused);
  }
  if (waiting !== undefined) {
    const other = status === ANOTHER;
    const codes = `${waiting} ${waiting === 1 ? "code" : "codes"}${other ? ` of ${state.coder}` : ""} ${waiting === 1 ? "is" : "are"}`;
    const then = other ? `sent when ${state.coder} codes here again` : "sent again by itself";
    at("unsent").hidden = !waiting;
    at("unsent").textContent = waiting ? `${why || "The server cannot be reached."} ${codes} kept in this browser, and ${then}.` : "";
    if (other || !waiting) stand(other ? why : "");
  }
}

// Takes nothing more while the browser speaks for somebody else; goes on when the page's own coder is back.
function stand(why) {
  if (why === elsewhere) return;
  elsewhere = why;
  if (!why) return go(next(place));
  panel("wait");
  at("wait").replaceChildren(paragraph(why));
}

async function refreshCodes() {
  const fresh = await ask("/api/state").catch(() => null);
  if (!fresh) return; // the next answer tells again
  state.codebook = fresh.codebook;
  state.codes = fresh.codes;
  listCodes();
  fault(`The codebook has changed: version ${fresh.codebook} counts from now on.`);
}

// ---- what is seen

function listMasked(pieces) {
  const counts = new Map();
  for (const [masked, said] of pieces) {
    const [kind] = said.split(" ");
    if (masked) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  at("masked").hidden = !counts.size;
  at("chips").replaceChildren(...[...counts].map(([kind, count]) => make("li", "chip", count > 1 ? `${kind} × ${count}` : kind)));
}

function listCodes() {
  const entries = state.codes.map((code, index) => {
    const item = make("li", code.residual ? "residual" : "");
    item.dataset.key = code.key;
    item.dataset.all = fold([code.key, code.name, code.definition, ...code.include, ...code.exclude, ...code.other_names, ...code.other_definitions].join(" "));
    const take_ = make("button", "take");
    if (index < 9) take_.append(make("kbd", "", String(index + 1)), " ");
    take_.append(make("bdi", "", code.name));
    take_.addEventListener("click", () => take(code.key));
    const beside = make("button", "second", "2nd");
    beside.setAttribute("aria-label", `${code.name} as second code`);
    beside.addEventListener("click", () => mark(code.key));
    const row = make("div", "row");
    row.append(take_, beside);
    item.append(row, meaning(code));
    return item;
  });
  at("codes").replaceChildren(...entries);
  markGiven();
}

function mark(key) {
  second = second === key ? null : key;
  markGiven();
  at("live").textContent = second ? `Second code: ${name(second)}` : "No second code";
}

function markGiven() {
  const said = state.said[state.order[place]];
  for (const item of at("codes").children) {
    const key = item.dataset.key;
    item.classList.toggle("given", said?.code === key);
    item.querySelector(".second").setAttribute("aria-pressed", String(second === key));
  }
  at("given").hidden = !said;
  if (!said) return;
  at("given").replaceChildren("You said: ", said.unclear ? "unclear" : make("bdi", "", name(said.code)));
  if (said.second) at("given").append(", second: ", make("bdi", "", name(said.second)));
}

function status() {
  const done = coded();
  const all = state.order.length;
  at("progress").max = all;
  at("progress").value = done;
  at("place").textContent = `${done} of ${all} coded`;
  at("pace").textContent = pace(all - done);
}

function pace(left) {
  if (seconds.length < 3) return "";
  const last = seconds.slice(-LOOK).sort((one, other) => one - other);
  const each = last[Math.floor(last.length / 2)];
  const minutes = Math.max(1, Math.round((left * each) / 60));
  return `${each.toFixed(1)} seconds each · about ${minutes} ${minutes === 1 ? "minute" : "minutes"} left`;
}

async function showGuess() {
  if (!at("show-guess")) return;
  at("show-guess").setAttribute("aria-pressed", String(looking));
  at("guess").hidden = !looking;
  if (!looking) return;
  const doc_id = state.order[place];
  try {
    if (!guesses.has(doc_id)) guesses.set(doc_id, await ask(`/api/guess/${encodeURIComponent(doc_id)}`));
    const found = guesses.get(doc_id);
    if (doc_id === state.order[place]) at("guess").replaceChildren("The model says: ", make("bdi", "", name(found.theme)), ` (${Math.round(100 * found.probability)} in 100). Your code will be marked as assisted.`);
  } catch (error) {
    at("guess").textContent = error.status ? error.message : "The server cannot be reached.";
  }
}

function panel(which) {
  for (const id of ["wait", "work", "pause", "done"]) at(id).hidden = id !== (elsewhere ? "wait" : which);
}

function pause() {
  panel("pause");
  at("paused").textContent = `${coded()} of ${state.order.length} coded`;
  at("pause-pace").textContent = pace(state.order.length - coded());
  at("go-on").focus();
}

function finish() {
  panel("done");
  delete document.body.dataset.doc;
  at("all-done").focus();
}

function fault(sentence) {
  at("fault").hidden = !sentence;
  at("fault").textContent = sentence;
}

const name = (key) => state.codes.find((code) => code.key === key)?.name ?? key;

// ---- keys and buttons

function search() {
  const words = fold(at("search").value).split(/\s+/).filter(Boolean);
  for (const item of at("codes").children) item.hidden = !words.every((word) => item.dataset.all.includes(word));
  at("none").hidden = [...at("codes").children].some((item) => !item.hidden);
}

function leaveSearch() {
  at("search").value = "";
  search();
  at("search").blur();
}

const DO = {
  u: () => take(null, true),
  s: skip,
  z: undo,
  b: () => place > 0 && go(place - 1),
  f: () => place < state.order.length - 1 && go(place + 1),
  n: () => at("note").focus(),
  g: () => at("show-guess")?.click(),
  "/": () => at("search").focus(),
};
DO.Backspace = DO.z;
DO.ArrowLeft = DO.b;
DO.ArrowRight = DO.f;

// On a keyboard of another script, a letter's key is the one in that place.
function keyOf(event) {
  const letter = /^Key([A-Z])$/.exec(event.code)?.[1];
  if (letter && /[^\u0000-\u024f]/.test(event.key)) return letter.toLowerCase();
  return event.key.length === 1 ? event.key.toLowerCase() : event.key;
}

document.addEventListener("keydown", (event) => {
  if (!state || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.target === at("note") || event.target === at("search")) return inField(event);
  if (!wanted || event.repeat) return;
  if (at("work").hidden) return offWork(event);
  const digit = /^(?:Digit|Numpad)([1-9])$/.exec(event.code)?.[1];
  const code = digit && state.codes[digit - 1];
  const key = keyOf(event);
  if (code && at("codes").children[digit - 1].hidden) fault(`Code ${digit} is hidden by the search: empty its box first.`);
  else if (code) event.shiftKey ? mark(code.key) : take(code.key);
  else if (DO[key] && !(key.startsWith("Arrow") && event.target.closest("button, summary, input"))) DO[key]();
  else return;
  event.preventDefault();
});

function inField(event) {
  if (event.key === "Escape") {
    event.preventDefault();
    event.target === at("search") ? leaveSearch() : at("note").blur();
  } else if (event.key === "Enter" && event.target === at("search")) {
    event.preventDefault();
    const first = [...at("codes").children].find((item) => !item.hidden);
    leaveSearch();
    if (first) take(first.dataset.key);
  }
}

function offWork(event) {
  if (event.key === "Enter" && !at("pause").hidden && event.target !== at("go-on")) at("go-on").click();
  else if (keyOf(event) === "z") undo();
  else return;
  event.preventDefault();
}

at("unclear").addEventListener("click", DO.u);
at("skip").addEventListener("click", DO.s);
at("back").addEventListener("click", DO.b);
at("undo").addEventListener("click", DO.z);
at("search").addEventListener("input", search);
at("note").addEventListener("input", draftNote);
at("note").addEventListener("blur", () => state && keepNote(document.body.dataset.doc));
at("keys").addEventListener("change", (event) => (wanted = event.target.checked));
at("go-on").addEventListener("click", () => go(next(0)));
at("look-back").addEventListener("click", () => go(state.order.length - 1));
at("show-guess")?.addEventListener("click", () => {
  looking = !looking;
  showGuess();
});

try {
  state = await ask("/api/state");
  begin();
} catch (error) {
  at("wait").replaceChildren(paragraph(error.status ? error.message : "The server cannot be reached; load the page again."));
}
