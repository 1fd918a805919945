// The page's own words, in the language of the person who uses it.

let words = {};
export let language = "en";

export async function speak(code) {
  const answer = await fetch(`/words/${code}`);
  words = await answer.json();
  language = code;
  document.documentElement.lang = code;
}

export function t(key, values = {}) {
  const text = words[key];
  if (typeof text !== "string") return key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

export const has = (key) => typeof words[key] === "string";

export function clock(seconds) {
  return new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(seconds * 1000);
}

export function day(seconds) {
  const then = new Date(seconds * 1000);
  if (then.toDateString() === new Date().toDateString()) return t("today");
  return new Intl.DateTimeFormat(language, { day: "numeric", month: "long" }).format(then);
}

export function bytes(size) {
  const mb = size / 1e6;
  const [value, unit] = mb >= 0.1 ? [mb, "megabyte"] : [size / 1e3, "kilobyte"];
  return new Intl.NumberFormat(language, { style: "unit", unit, maximumFractionDigits: 1 }).format(value);
}
