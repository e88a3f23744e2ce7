// Citations open the source panel.
// The panel belongs to this script; the server only ever writes the conversation, and every answer in it
// carries its sources in a hidden element. So a click needs no server and works for older answers too.
(() => {
  "use strict";

  const shown = { turn: null, version: null, chip: null, choice: null };

  const find = (selector, root = document) => root.querySelector(selector);
  const findAll = (selector, root = document) => [...root.querySelectorAll(selector)];
  const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
  const stacked = () => matchMedia("(max-width: 900px)").matches;

  const bringIntoView = (node, block) => node.scrollIntoView({ block, behavior: calm() ? "auto" : "smooth" });

  // --- source panel -------------------------------------------------------------------------------

  const sourcesOf = (turn) => find(`.pc-sources[data-turn="${turn}"]`);

  function fill(turn) {
    const sources = sourcesOf(turn);
    const cards = find("#pc-cards");
    if (!sources || !cards) return false;
    if (shown.turn === turn) window.paperchat.becomeChildren(cards, sources.cloneNode(true));
    else cards.replaceChildren(...[...sources.childNodes].map((node) => node.cloneNode(true)));
    find("#pc-panel .pc-panel-head + .pc-panel-empty").hidden = true;
    if (shown.turn !== turn) cards.scrollTop = 0;
    shown.turn = turn;
    shown.version = sources.dataset.version;
    return true;
  }

  function empty() {
    find("#pc-cards")?.replaceChildren();
    const hint = find("#pc-panel .pc-panel-head + .pc-panel-empty");
    if (hint) hint.hidden = false;
    Object.assign(shown, { turn: null, version: null, chip: null, choice: null });
    follow.newest = undefined;
    find(".pc-back")?.setAttribute("hidden", "");
  }

  function emphasise({ number, from, to }) {
    const cards = find("#pc-cards");
    findAll(".pc-active, .pc-strong", cards).forEach((node) => node.classList.remove("pc-active", "pc-strong"));
    const card = find(`.pc-card[data-n="${number}"]`, cards);
    if (!card) return null;
    card.classList.add("pc-active");
    const details = find("details", card);
    if (details) details.open = true;
    const marks = findAll("mark", card).filter(
      (mark) => from !== undefined && Number(mark.dataset.from) >= Number(from) && Number(mark.dataset.to) <= Number(to),
    );
    marks.forEach((mark) => mark.classList.add("pc-strong"));
    return marks[0] || card;
  }

  function openSource(chip) {
    const { turn, n: number, from, to } = chip.dataset;
    if (!fill(turn)) return;
    findAll(".pc-cite-on").forEach((other) => other.classList.remove("pc-cite-on"));
    chip.classList.add("pc-cite-on");
    shown.chip = chip;
    shown.choice = { number, from, to };
    find(".pc-back")?.removeAttribute("hidden");
    const target = emphasise(shown.choice);
    if (!target) return;
    target.focus({ preventScroll: true });
    // The whole card where it fits; else the evidence in the middle.
    const card = target.closest(".pc-card");
    const room = stacked() ? innerHeight : find("#pc-cards").clientHeight;
    const whole = card.offsetHeight <= room;
    bringIntoView(whole ? card : target, whole ? "start" : "center");
  }

  function goBack() {
    const chip = shown.chip?.isConnected ? shown.chip : find(`.pc-show[data-turn="${shown.turn}"]`);
    if (!chip) return;
    chip.focus({ preventScroll: true });
    bringIntoView(chip, "center");
  }
  (window.paperchat = window.paperchat || {}).back = goBack;

  // The newest answer's sources appear by themselves, as soon as they are known and when they change.
  function follow() {
    const all = findAll("#pc-chat .pc-sources");
    if (!all.length) {
      const asked = find("#pc-chat .message");
      if (shown.turn !== null && !asked) empty();
      return;
    }
    const newest = all[all.length - 1];
    const { turn, version } = newest.dataset;
    const isNew = follow.newest !== turn;
    follow.newest = turn;
    if (isNew) {
      shown.choice = null;
      findAll(".pc-cite-on").forEach((chip) => chip.classList.remove("pc-cite-on"));
      find(".pc-back")?.setAttribute("hidden", "");
    }
    if (!isNew && !(shown.turn === turn && shown.version !== version)) return;
    fill(turn);
    if (shown.choice) emphasise(shown.choice);
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

  // --- wiring: one listener a kind of event, on the document ----------------------------------------

  document.addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target : null;
    if (!target) return;
    const chip = target.closest(".pc-cite");
    if (chip) return openSource(chip);
    const show = target.closest(".pc-show");
    if (show && fill(show.dataset.turn)) {
      shown.chip = show;
      shown.choice = null;
      find(".pc-back")?.removeAttribute("hidden");
      const card = find("#pc-cards .pc-card");
      card?.focus({ preventScroll: true });
      if (stacked()) bringIntoView(find("#pc-panel"), "start");
      return;
    }
    if (target.closest(".pc-back")) return goBack();
  });

  function begin() {
    new MutationObserver(onChange).observe(document.body, { childList: true, subtree: true, attributes: true, attributeFilter: ["data-version"] });
  }

  if (document.body) begin();
  else document.addEventListener("DOMContentLoaded", begin);
})();
