// Writing: words, pictures, replies, edits, commands, inline queries.

import { quote } from "./bubbles.js";
import { $, h, icon } from "./dom.js";
import { act, upload } from "./link.js";
import { complain, toast } from "./overlay.js";
import { InlineBox } from "./inlinebox.js";
import { t } from "./words.js";

const FILES = 10;

export class Composer {
  // `desk`: {room(), wish(extra), commands(), bot(), samples(), sent()}.
  constructor(desk) {
    this.desk = desk;
    this.words = $("words");
    this.held = [];
    this.reply = null;
    this.editing = null;
    this.sending = false;
    this.inline = new InlineBox(desk, this);
    this.words.addEventListener("input", () => this.changed());
    this.words.addEventListener("keydown", (event) => this.#key(event));
    this.words.addEventListener("paste", (event) => this.#paste(event));
    $("composer").addEventListener("submit", (event) => {
      event.preventDefault();
      this.send();
    });
    $("attach").addEventListener("click", (event) => this.#attach(event));
    $("slash").addEventListener("click", () => this.#toggleCommands());
    for (const [id, asFiles] of [["pick-pictures", false], ["pick-files", true]]) {
      $(id).addEventListener("change", (event) => {
        this.hold(event.target.files, asFiles);
        event.target.value = "";
      });
    }
    this.#drops();
  }

  translate() {
    this.words.placeholder = t(this.held.length ? "caption" : "write");
    this.words.setAttribute("aria-label", t("write"));
    $("attach").setAttribute("aria-label", t("attach"));
    $("slash").setAttribute("aria-label", t("commands"));
    $("send").setAttribute("aria-label", t("send"));
    $("drop-words").textContent = t("drop");
    $("send").disabled = !this.words.value.trim() && !this.held.length;
  }

  clear() {
    this.words.value = "";
    this.held = [];
    this.reply = null;
    this.editing = null;
    this.#draw();
    this.changed();
  }

  changed() {
    this.words.style.height = "auto";
    this.words.style.height = `${Math.min(200, this.words.scrollHeight)}px`;
    $("send").disabled = this.sending || (!this.words.value.trim() && !this.held.length);
    if (this.inline.take(this.words.value)) return;
    const typed = this.words.value.match(/^\/(\w*)$/);
    if (typed) this.#commands(typed[1]);
    else if (this.panelOf === "commands") this.closePanel();
  }

  write(text) {
    this.words.value = text;
    this.words.focus();
    this.changed();
  }

  async send() {
    const text = this.words.value.trim();
    if (this.sending || (!text && !this.held.length)) return;
    const extra = { reply_to: this.reply?.message_id ?? null };
    const held = this.held;
    this.sending = true;
    this.changed();
    try {
      if (this.editing) await act("edit", this.desk.wish({ message_id: this.editing.message_id, text }));
      else if (held.length) {
        const asFiles = $("as-files")?.checked ? "1" : "0";
        await upload(this.desk.wish({ ...extra, caption: text, as_files: asFiles }), held.map((one) => one.file));
      } else await act("text", this.desk.wish({ ...extra, text }));
      held.forEach((one) => one.url && URL.revokeObjectURL(one.url));
      this.sending = false;
      this.closePanel();
      this.clear();
      this.desk.sent();
    } catch (error) {
      complain(error);
    }
    this.sending = false;
    this.changed();
  }

  async say(text) {
    try {
      await act("text", this.desk.wish({ text }));
      this.desk.sent();
    } catch (error) {
      complain(error);
    }
  }

  // A sample photograph, sent at once.
  async sample(number) {
    this.closePanel();
    try {
      const picture = await (await fetch(`/samples/${number}`)).blob();
      await upload(this.desk.wish({ caption: "" }), [new File([picture], `sample-${number}.jpg`, { type: picture.type })]);
      this.desk.sent();
    } catch (error) {
      complain(error);
    }
  }

  answer(message) {
    this.reply = message;
    this.editing = null;
    this.#draw();
    this.words.focus();
  }

  edit(message) {
    this.editing = message;
    this.reply = null;
    this.#draw();
    this.write(message.text ?? message.caption ?? "");
  }

  hold(files, asFiles = false) {
    const fresh = [...files].filter((file) => file.size > 0);
    if (this.held.length + fresh.length > FILES) toast(t("error.too_many"));
    for (const file of fresh.slice(0, FILES - this.held.length)) {
      const url = file.type.startsWith("image/") ? URL.createObjectURL(file) : null;
      this.held.push({ file, url });
    }
    this.asFiles = asFiles;
    this.#draw();
    this.changed();
    this.words.focus();
  }

  #draw() {
    const strip = $("replying");
    const subject = this.editing || this.reply;
    strip.hidden = !subject;
    if (subject) {
      const stop = h("button", { class: "icon", type: "button", "aria-label": t("cancel"), onclick: () => this.#unanswer() }, icon("close"));
      strip.replaceChildren(icon("reply"), quote(subject, this.desk.room(), false), stop);
    }
    const tray = $("tray");
    tray.hidden = !this.held.length;
    const items = this.held.map((one, index) => {
      const drop = () => {
        this.held.splice(index, 1);
        this.#draw();
        this.changed();
      };
      const face = one.url ? h("img", { src: one.url, alt: one.file.name, onerror: (event) => event.target.remove() }) : null;
      return h("span", { class: "held" }, face, one.file.name, h("button", { type: "button", "aria-label": t("remove"), onclick: drop }, icon("close")));
    });
    const box = h("input", { type: "checkbox", id: "as-files", checked: Boolean(this.asFiles) });
    tray.replaceChildren(...items, h("label", {}, box, t("as_files")));
    $("dock").classList.toggle("joined", Boolean(subject || this.held.length));
    this.words.placeholder = t(this.held.length ? "caption" : "write");
  }

  #unanswer() {
    const edited = this.editing;
    this.reply = this.editing = null;
    this.#draw();
    if (edited) this.write("");
  }

  #key(event) {
    if (this.panelOf && this.#panelKey(event)) return;
    if (event.key === "Escape" && (this.reply || this.editing)) this.#unanswer();
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      this.send();
    }
    if (event.key === "ArrowUp" && !this.words.value && !this.held.length) {
      const own = this.desk.lastOwn();
      if (own) {
        event.preventDefault();
        this.edit(own);
      }
    }
  }

  #panelKey(event) {
    const rows = [...$("panel").querySelectorAll("button")];
    const at = rows.findIndex((row) => row.getAttribute("aria-selected") === "true");
    if (event.key === "Escape") this.closePanel();
    else if ((event.key === "Enter" || event.key === "Tab") && at >= 0) rows[at].click();
    else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      const next = (at + (event.key === "ArrowDown" ? 1 : rows.length + (at < 0 ? 0 : -1))) % Math.max(1, rows.length);
      rows.forEach((row, index) => row.setAttribute("aria-selected", String(index === next)));
      rows[next]?.scrollIntoView({ block: "nearest" });
    } else return false;
    event.preventDefault();
    return true;
  }

  openPanel(of, label, ...children) {
    this.panelOf = of;
    const panel = $("panel");
    panel.setAttribute("aria-label", label);
    panel.replaceChildren(...children);
    panel.hidden = false;
  }

  closePanel() {
    this.panelOf = null;
    $("panel").hidden = true;
  }

  #toggleCommands() {
    if (this.panelOf === "commands") this.closePanel();
    else this.#commands("");
  }

  #commands(start) {
    const fitting = this.desk.commands().filter((one) => one.command.startsWith(start.toLowerCase()));
    if (!fitting.length) return this.closePanel();
    const rows = fitting.map((one) => {
      const go = () => {
        this.closePanel();
        this.clear();
        this.say(`/${one.command}`);
      };
      return h("button", { class: "row named", type: "button", onclick: go }, h("span", { class: "command" }, `/${one.command}`), h("small", {}, one.description));
    });
    return this.openPanel("commands", t("commands"), ...rows);
  }

  #attach(event) {
    if (this.panelOf === "attach") return this.closePanel();
    const item = (name, text, go) => h("button", { class: "row", type: "button", onclick: go }, h("span", { class: "thumb" }, icon(name)), h("b", {}, text));
    const pick = (id) => () => {
      this.closePanel();
      $(id).click();
    };
    event.stopPropagation();
    const samples = this.desk.samples((number) => this.sample(number));
    return this.openPanel("attach", t("attach"), item("picture", t("pick_photo"), pick("pick-pictures")), item("file", t("pick_file"), pick("pick-files")), ...(samples ? [samples] : []));
  }

  #paste(event) {
    const files = [...event.clipboardData.files];
    if (!files.length) return;
    event.preventDefault();
    this.hold(files);
  }

  #drops() {
    const room = $("room");
    let depth = 0;
    const carries = (event) => event.dataTransfer?.types.includes("Files");
    room.addEventListener("dragenter", (event) => {
      if (!carries(event)) return;
      depth += 1;
      $("drop").hidden = false;
    });
    room.addEventListener("dragover", (event) => carries(event) && event.preventDefault());
    room.addEventListener("dragleave", () => {
      depth = Math.max(0, depth - 1);
      if (!depth) $("drop").hidden = true;
    });
    room.addEventListener("drop", (event) => {
      depth = 0;
      $("drop").hidden = true;
      if (!carries(event)) return;
      event.preventDefault();
      this.hold(event.dataTransfer.files);
    });
  }
}

