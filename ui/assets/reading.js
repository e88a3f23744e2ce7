// Where the conversation stands: the newest question goes to the top, and nothing moves while its answer grows below.
(() => {
  "use strict";

  const ABOVE = 4;
  const find = (selector) => document.querySelector(selector);
  const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
  const shown = { rows: 0, words: "", writing: false };

  function follow() {
    const rows = [...document.querySelectorAll("#pc-chat .user-row")];
    const newest = rows.at(-1);
    const writing = Boolean(find("#pc-chat .pc-writing"));
    const words = newest ? rows[0].textContent + newest.textContent : "";
    const asked = writing && !shown.writing;
    const other = rows.length !== shown.rows || words !== shown.words;
    Object.assign(shown, { rows: rows.length, words, writing });
    if (!newest || !(asked || other)) return;
    const room = find("#pc-chat .panel-wrap");
    const top = room.scrollTop + newest.getBoundingClientRect().top - room.getBoundingClientRect().top - ABOVE;
    // A conversation that is opened is simply there; the one that goes on is seen to go on.
    room.scrollTo({ top, behavior: asked && rows.length > 1 && !calm() ? "smooth" : "instant" });
  }

  let scheduled = false;
  function onChange() {
    if (scheduled) return;
    scheduled = true;
    requestAnimationFrame(() => {
      scheduled = false;
      follow();
    });
  }

  const begin = () => new MutationObserver(onChange).observe(document.body, { childList: true, subtree: true });
  if (document.body) begin();
  else document.addEventListener("DOMContentLoaded", begin);
})();
