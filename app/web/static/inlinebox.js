// Inline queries: "@bot words" in any chat offers the bot's results; a chosen one is posted.

import { fileAddress } from "./bubbles.js";
import { h, icon } from "./dom.js";
import { act } from "./link.js";
import { complain } from "./overlay.js";
import { safeLink } from "./rich.js";
import { t } from "./words.js";

const PAUSE_MS = 350;

export class InlineBox {
  constructor(desk, composer) {
    this.desk = desk;
    this.composer = composer;
    this.timer = 0;
    this.turn = 0;
  }

  // Whether the words are an inline query; if so, it is asked after a pause.
  take(text) {
    const name = `@${this.desk.bot().username} `;
    clearTimeout(this.timer);
    if (!text.toLowerCase().startsWith(name.toLowerCase())) {
      this.turn += 1;
      if (this.composer.panelOf === "inline") this.composer.closePanel();
      return false;
    }
    const query = text.slice(name.length);
    this.timer = setTimeout(() => this.#ask(query), PAUSE_MS);
    return true;
  }

  async #ask(query, offset = "", before = []) {
    this.turn += 1;
    const turn = this.turn;
    if (!offset) this.#open(h("p", { class: "note" }, t("inline.searching")));
    try {
      const answer = await act("inline", this.desk.wish({ query, offset }));
      if (turn === this.turn) this.#show(query, answer, before);
    } catch (error) {
      if (turn === this.turn) complain(error);
    }
  }

  #show(query, answer, before) {
    if (answer.results === null) return this.#open(h("p", { class: "note" }, t("inline.silent")));
    const go = (result) => () => this.#choose(answer.query_id, result.id);
    const pictures = answer.results.length > 0 && answer.results.every((one) => one.type === "photo" && !one.title);
    const fresh = answer.results.map((one) => (pictures ? tile(one, go(one)) : row(one, go(one))));
    const all = [...before, ...fresh];
    const parts = [];
    if (answer.button) parts.push(this.#button(answer.button));
    parts.push(pictures ? h("div", { class: "grid" }, all) : all);
    if (!all.length) parts.push(h("p", { class: "note" }, t("inline.nothing")));
    if (answer.next_offset) {
      const more = () => this.#ask(query, answer.next_offset, all);
      parts.push(h("button", { class: "row lead", type: "button", onclick: more }, h("b", {}, t("inline.more"))));
    }
    return this.#open(...parts.flat());
  }

  #open(...children) {
    this.composer.openPanel("inline", t("inline.title"), ...children);
  }

  #button(button) {
    const go = () => {
      this.composer.closePanel();
      this.composer.clear();
      this.desk.toBot(button.start_parameter);
    };
    return h("button", { class: "row lead", type: "button", onclick: go }, h("b", {}, button.text));
  }

  async #choose(query, result) {
    this.composer.closePanel();
    this.composer.clear();
    try {
      await act("choose", this.desk.wish({ query_id: query, result_id: result }));
      this.desk.sent();
    } catch (error) {
      complain(error);
    }
  }
}

function picture(result) {
  if (result.photo_file_id) return fileAddress(result.photo_file_id);
  return result.thumbnail_url ? safeLink(result.thumbnail_url) : null;
}

function thumb(result) {
  const src = picture(result);
  if (!src) return h("span", { class: "thumb" }, icon("search"));
  return h("img", { class: "thumb", src, alt: "", referrerpolicy: "no-referrer", onerror: (event) => event.target.replaceWith(h("span", { class: "thumb" }, icon("picture"))) });
}

function row(result, go) {
  return h("button", { class: "row", type: "button", onclick: go }, thumb(result), h("span", {}, h("b", {}, result.title || t("photo")), result.description && h("small", {}, result.description)));
}

function tile(result, go) {
  return h("button", { type: "button", "aria-label": result.caption || t("photo"), onclick: go }, h("img", { src: picture(result) || "", alt: "", referrerpolicy: "no-referrer" }));
}
