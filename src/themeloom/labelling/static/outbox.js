// What was said and is not known to be kept yet: in the browser's own store, sent again until the server has it.

export function newId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const hex = [...crypto.getRandomValues(new Uint8Array(16))].map((one) => one.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

export class Refused extends Error {}

// A page speaks for the coder that it was made for, whoever has chosen a name in this browser since.
export const heading = () => ({
  "Content-Type": "application/json",
  "Themeloom-Coder": encodeURIComponent(document.body.dataset.coder),
});

const FULL = 507; // it cannot be kept now, as the server's disk is full; it says so
const PATIENCE = 15000; // milliseconds: longer than the server waits for its disk; a lost connection may never end by itself

export async function ask(path, body) {
  const sent = body && { method: "POST", body: JSON.stringify(body) };
  const answer = await fetch(path, { ...sent, headers: heading(), signal: AbortSignal.timeout(PATIENCE) });
  if (answer.status >= 500 && answer.status !== FULL) throw new TypeError("the server has a fault");
  const found = await answer.json();
  if (!answer.ok) throw Object.assign(new Refused(found.error), { status: answer.status });
  return found;
}

const REFUSED = 422; // what was said cannot be kept, now or later; all else may yet change
export const ANOTHER = 409; // the browser speaks for another coder now: kept until this one is back

export class Outbox {
  constructor(name, changed) {
    this.prefix = `${name}/`;
    this.changed = changed;
    this.sending = null;
    this.items = Object.keys(localStorage)
      .filter((key) => key.startsWith(this.prefix))
      .map((key) => JSON.parse(localStorage.getItem(key)))
      .sort((one, other) => one.at - other.at);
    addEventListener("online", () => this.flush());
    setInterval(() => this.items.length && this.flush(), 2000);
  }

  // Resolves to true when the server has it, to false when it is kept here for now.
  async send(path, body) {
    const item = { path, at: Date.now(), body: { client: newId(), ...body } };
    localStorage.setItem(this.prefix + item.body.client, JSON.stringify(item)); // one entry each: tabs share them
    this.items.push(item);
    await this.flush();
    return !this.items.includes(item);
  }

  flush() {
    this.sending ??= this.empty().finally(() => (this.sending = null));
    return this.sending;
  }

  async empty() {
    while (this.items.length) {
      const item = this.items[0];
      try {
        this.changed({ answer: await ask(item.path, item.body) });
      } catch (error) {
        if (error.status !== REFUSED) {
          this.changed({ waiting: this.items.length, why: error.status ? error.message : "", status: error.status });
          return;
        }
        this.changed({ refused: error.message, item });
      }
      this.items.shift();
      localStorage.removeItem(this.prefix + item.body.client);
    }
    this.changed({ waiting: 0 });
  }
}

// Notes that are not kept with a code yet: one for each message, in the browser's own store.
export class Drafts {
  constructor(name) {
    this.prefix = `${name}/`;
  }

  of(doc_id) {
    return localStorage.getItem(this.prefix + doc_id);
  }

  keep(doc_id, note) {
    localStorage.setItem(this.prefix + doc_id, note);
  }

  drop(doc_id) {
    localStorage.removeItem(this.prefix + doc_id);
  }
}
