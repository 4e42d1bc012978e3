// Pieces of the coding page, made of what is said in them alone.

export function make(tag, kind, said) {
  const made = document.createElement(tag);
  if (kind) made.className = kind;
  if (said !== undefined) made.textContent = said;
  return made;
}

// What is searched and what is looked for, alike: capitals, accents and the two i of Turkish make no difference.
export const fold = (said) => said.normalize("NFKD").replace(/[\u0300-\u036f]/g, "").toLowerCase().replaceAll("ı", "i");

export const paragraph = (said) => make("p", "muted", said);

export function piece([masked, said]) {
  if (!masked) return document.createTextNode(said);
  const chip = make("span", "chip", said);
  chip.dir = "ltr"; // it has no say in which way the message runs
  return chip;
}

export function meaning(code) {
  const list = make("dl", "meaning");
  const parts = { "Also called": code.other_names, Includes: code.include, Excludes: code.exclude };
  list.append(make("dt", "hush", "Definition"), ...[code.definition, ...code.other_definitions].map(entry));
  for (const [name, said] of Object.entries(parts)) if (said.length) list.append(make("dt", "", name), entry(said.join(", ")));
  return list;
}

function entry(said) {
  const made = make("dd", "", said);
  made.dir = "auto";
  return made;
}
