// The messages of the open chat on the screen: kept in step with what happens, scrolled sensibly.

import { block, keyOf, typing } from "./bubbles.js";
import { $, h } from "./dom.js";
import { day } from "./words.js";

const NEAR_END = 140;

export class ChatLog {
  constructor() {
    this.log = $("log");
    this.unseen = 0;
    this.log.addEventListener("scroll", () => this.#mark(), { passive: true });
    $("to-end").addEventListener("click", () => this.toEnd(true));
    // Pictures and the keyboard of a phone change heights: who reads the end stays there.
    new ResizeObserver(() => this.atEnd && this.toEnd()).observe(this.log);
    this.growth = new ResizeObserver(() => this.atEnd && this.toEnd());
    this.atEnd = true;
  }

  draw(messages, room, welcome) {
    this.room = room;
    this.unseen = 0;
    this.rows = h("div", { class: "rows" });
    this.growth.disconnect();
    this.growth.observe(this.rows);
    this.log.replaceChildren(this.rows);
    this.blocks = new Map();
    if (welcome && !messages.length) this.rows.append(welcome);
    for (const message of messages) this.#put(message);
    this.toEnd();
  }

  add(message) {
    this.rows.querySelector(".welcome")?.remove();
    this.still();
    const own = message.from.id === this.room.me.id;
    const follow = this.atEnd || own;
    this.#put(message);
    if (follow) this.toEnd();
    else this.unseen += 1;
    this.#mark();
  }

  change(message) {
    const held = this.blocks.get(keyOf(message));
    if (!held) return;
    const at = held.messages.findIndex((one) => one.message_id === message.message_id);
    if (at >= 0) held.messages[at] = message;
    this.#redraw(held);
  }

  remove(id) {
    for (const [key, held] of this.blocks) {
      const left = held.messages.filter((one) => one.message_id !== id);
      if (left.length === held.messages.length) continue;
      held.messages = left;
      if (left.length) this.#redraw(held);
      else {
        held.node.remove();
        this.blocks.delete(key);
      }
    }
  }

  #put(message) {
    const key = keyOf(message);
    const held = this.blocks.get(key);
    if (held) {
      held.messages.push(message);
      this.#redraw(held);
      return;
    }
    const last = [...this.blocks.values()].at(-1)?.messages.at(-1);
    const date = day(message.date);
    if (!last || day(last.date) !== date) this.rows.append(h("div", { class: "day" }, date));
    const fresh = { messages: [message], first: !last || last.from.id !== message.from.id || message.date - last.date > 600 };
    fresh.node = block(fresh.messages, this.room);
    fresh.node.classList.toggle("first", fresh.first);
    this.blocks.set(key, fresh);
    this.rows.append(fresh.node);
  }

  #redraw(held) {
    const node = block(held.messages, this.room);
    node.classList.toggle("first", held.first);
    held.node.replaceWith(node);
    held.node = node;
  }

  busy(action) {
    const near = this.atEnd;
    $("typing")?.remove();
    this.rows.append(typing(action));
    if (near) this.toEnd();
  }

  still() {
    $("typing")?.remove();
  }

  show(id) {
    for (const held of this.blocks.values()) {
      if (!held.messages.some((one) => one.message_id === id)) continue;
      held.node.scrollIntoView({ block: "center", behavior: "smooth" });
      held.node.classList.remove("flash");
      void held.node.offsetWidth;
      held.node.classList.add("flash");
    }
  }

  toEnd(smooth = false) {
    this.log.scrollTo({ top: this.log.scrollHeight, behavior: smooth ? "smooth" : "instant" });
    this.atEnd = true;
    this.#mark();
  }

  #mark() {
    this.atEnd = this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < NEAR_END;
    if (this.atEnd) this.unseen = 0;
    $("to-end").hidden = this.atEnd;
    $("to-end-count").textContent = this.unseen || "";
  }
}
