// Focus: a part of the page that is drawn anew keeps it, on the element that does the same; and where there is none
// any more, it goes to where one would go on.
(() => {
  "use strict";

  const GO_ON = { "#pc-side": ".pc-new", "#pc-left": "#pc-box textarea", "#pc-papers": "#pc-shelf-find", "#pc-evaluation": "#pc-compare-questions" };
  const PATIENCE = 1000;
  const find = (selector) => document.querySelector(selector);
  let last = null;

  function remember({ target }) {
    const area = Object.keys(GO_ON).find((selector) => target.closest(selector));
    // Not after a click or a tap: nobody looks for the focus then, and a phone would open its keyboard.
    const kept = area && target.matches(":focus-visible") && target.matches("[data-do], summary, .pc-pick");
    last = kept ? { node: target, area, same: likeness(target, area), lost: 0 } : null;
  }

  const likeness = ({ localName, dataset }, area) =>
    Object.entries(dataset).reduce(
      (selector, [name, value]) => `${selector}[data-${name.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}="${CSS.escape(value)}"]`,
      `${area} ${localName}`,
    );

  function keep() {
    if (!last || last.node.isConnected || document.activeElement !== document.body) return;
    const same = last.node.dataset.do ? find(last.same) : null;
    last.lost = last.lost || performance.now();
    if (same?.checkVisibility()) same.focus({ preventScroll: true });
    else if (performance.now() - last.lost > PATIENCE) find(GO_ON[last.area])?.focus({ preventScroll: true });
    else setTimeout(keep, 100);
  }

  document.addEventListener("focusin", remember);
  const begin = () => new MutationObserver(keep).observe(document.body, { childList: true, subtree: true });
  if (document.body) begin();
  else document.addEventListener("DOMContentLoaded", begin);
})();
